"""`mejora.catalogue`: what can fail and who stands on it. Key: the entity; the newest is kept."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mejora_events.contracts.base import EventData, Money, Time, Value

TOPIC = "mejora.catalogue"


class ComponentKind(StrEnum):
    """What kind of thing can fail."""

    SYSTEM = "system"
    PROCEDURE = "procedure"
    SUPPLIER = "supplier"
    PROCESS_STEP = "process_step"
    UNLISTED = "unlisted"
    """An incident named it, the catalogue does not; its owner is asked for."""


class Component(Value):
    """A thing that can fail."""

    kind: Literal["component"] = "component"
    name: str
    component_kind: ComponentKind = ComponentKind.SYSTEM
    owner: str | None = None
    depends_on: tuple[str, ...] = ()
    part_of: str | None = None
    """The component that this is an instance or another part of."""
    instances: int | None = None
    """How many instances it has: with sites and users what "generalised" is measured against."""
    sites: Annotated[int, Field(ge=1)] | None = None
    """At how many sites it is used or runs."""
    users: Annotated[int, Field(ge=1)] | None = None
    """How many people use it."""
    criticality: Annotated[int, Field(ge=1, le=5)] = 3
    """1 is the most critical."""
    cost_per_minute: Money | None = None
    handling_rate_per_hour: Money | None = None
    alternates: tuple[str, ...] = ()
    """Other ways of serving the customer while it fails."""
    runbook: str | None = None
    aliases: tuple[str, ...] = ()
    """Other names that monitors use for it."""


class Process(Value):
    """A business process: what the customer actually gets; it stands on components."""

    kind: Literal["process"] = "process"
    name: str
    owner: str | None = None
    depends_on: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()


class OwnerRole(Value):
    """A role that answers for components or processes; never a person's name."""

    kind: Literal["role"] = "role"
    name: str
    superior: str | None = None
    contact: str | None = None


class Customer(Value):
    """Who is served."""

    kind: Literal["customer"] = "customer"
    name: str
    title: str = ""


class Contract(Value):
    """What was promised to a customer for a process."""

    kind: Literal["contract"] = "contract"
    name: str
    customer: str
    processes: tuple[str, ...] = ()
    availability_promised: Annotated[float, Field(ge=0, le=1)] | None = None
    penalty_per_minute: Money | None = None
    worth_per_year: Money | None = None
    renewal_on: str | None = None
    """The day (RFC 3339 full-date) on which it ends unless it is renewed."""


Entity = Annotated[
    Component | Process | OwnerRole | Customer | Contract, Field(discriminator="kind")
]


class CatalogueEntityChanged(EventData):
    """An entity was added or changed; it carries the whole entity."""

    TYPE: ClassVar[str] = "mejora.catalogue.entity-changed.v1"
    TOPIC: ClassVar[str] = TOPIC

    entity: Entity
    version: int
    changed_at: Time

    def key(self) -> str:
        return f"{self.entity.kind}:{self.entity.name}"


class CatalogueEntityRemoved(EventData):
    """An entity is no longer in the catalogue."""

    TYPE: ClassVar[str] = "mejora.catalogue.entity-removed.v1"
    TOPIC: ClassVar[str] = TOPIC

    kind: str
    name: str
    version: int
    removed_at: Time

    def key(self) -> str:
        return f"{self.kind}:{self.name}"
