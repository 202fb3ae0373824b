"""What happened, as the diagnosis service hears of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TypeVar
from uuid import UUID

from mejora_diagnosis.model.diagnose import Rules
from mejora_diagnosis.model.replacing import replace
from mejora_diagnosis.reactions import react_by
from mejora_diagnosis.store import catalogue, diagnoses
from mejora_events.contracts import TYPES
from mejora_events.contracts.base import Channel, EventData, Origin, Severity
from mejora_events.contracts.catalogue import Component, Contract, Customer, Entity, Process
from mejora_events.contracts.diagnoses import (
    Affected,
    Diagnosis,
    FailurePoint,
    Recommendation,
    Scope,
    ScopeKind,
    Signature,
)
from mejora_events.contracts.fixes import Fix, FixState
from mejora_events.contracts.incidents import (
    Incident,
    IncidentReported,
    IncidentRestored,
    IncidentState,
)
from mejora_events.contracts.problems import (
    CauseClass,
    OpenedBecause,
    Problem,
    ProblemState,
    RootCause,
)
from mejora_events.envelope import Event
from mejora_events.ids import DiagnosisId, EventId, FixId, IncidentId, ProblemId, new_id
from mejora_events.sql import from_json, rows
from mejora_events.store import Store

BEGINNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULES = Rules()


def at(minutes: float) -> datetime:
    """Give the moment so many minutes after the beginning."""
    return BEGINNING + timedelta(minutes=minutes)


def the_shop() -> list[Entity]:
    """A shop: checkout stands on cart and payment, both on db; a process, a customer, a contract.

    db has 4 instances, checkout can be replaced by the telephone.
    """
    return [
        Component(
            name="checkout",
            owner="sales",
            depends_on=("cart", "payment"),
            criticality=1,
            alternates=("order by phone",),
        ),
        Component(name="cart", owner="sales", depends_on=("db",), criticality=2),
        Component(name="payment", owner="finance", depends_on=("db",)),
        Component(name="db", owner="platform", instances=4, aliases=("postgres-main",)),
        Component(name="wiki", owner="office", criticality=5),
        Process(name="ordering", depends_on=("checkout",), customers=("acme",)),
        Customer(name="acme"),
        Contract(name="acme-gold", customer="acme", processes=("ordering",)),
    ]


def an_incident(
    number: int,
    component: str,
    minutes: float = 0,
    *,
    summary: str = "It does not answer",
    severity: Severity = Severity.ERROR,
    labels: Mapping[str, str] | None = None,
    version: int = 1,
    restored: float | None = None,
    channel: Channel = Channel.RESTORE,
) -> Incident:
    """An incident that started so many minutes after the beginning, reported at once."""
    start = at(minutes)
    return Incident(
        incident_id=IncidentId(UUID(int=number)),
        version=version,
        state=IncidentState.REPORTED if restored is None else IncidentState.RESTORED,
        source="alertmanager",
        fingerprint=f"{component}/{number}",
        component=component,
        summary=summary,
        severity=severity,
        origin=Origin.INTERNAL,
        labels=dict(labels or {}),
        started_at=start,
        reported_at=start,
        restored_at=None if restored is None else at(minutes + restored),
        channel=None if restored is None else channel,
    )


def reported(incident: Incident) -> Event[IncidentReported]:
    """The event of an incident's report."""
    return told(IncidentReported(incident=incident), incident.reported_at)


def restored(incident: Incident) -> Event[IncidentRestored]:
    """The event of an incident's restoration."""
    return told(IncidentRestored(incident=incident, by="monitor"), incident.restored_at)


DataT = TypeVar("DataT", bound=EventData)


def told(data: DataT, time: datetime | None = None) -> Event[DataT]:
    """An event as it comes from the broker."""
    return Event(
        id=EventId(new_id()),
        source="/mejora/test",
        type=data.TYPE,
        time=time or BEGINNING,
        subject=data.key(),
        topic=data.TOPIC,
        key=data.key(),
        data=data,
        correlation_id=data.key(),
    )


async def tell(store: Store, *events: Event[EventData], rules: Rules = RULES) -> None:
    """Let events take effect in one transaction, those of one type in a row together."""
    table = react_by(rules)
    async with store.begin(actor="diagnosis") as work:
        for kind, group in groupby(events, key=lambda event: type(event.data)):
            await table[kind](work, list(group))


async def put_catalogue(store: Store, entities: Sequence[Entity]) -> None:
    """Replace the catalogue."""
    async with store.begin(actor="test") as work:
        await catalogue.take_turn(work)
        await catalogue.write(work, replace(await catalogue.kept(work.conn), entities))


async def diagnosis_of(store: Store, number: int) -> Diagnosis:
    """Give an incident's diagnosis as it stands."""
    async with store.read() as conn:
        (found,) = await diagnoses.listed(
            conn, after=None, limit=2, incident_id=UUID(int=number), signature_id=None
        )
    return found


async def emitted(store: Store, kind: type[DataT]) -> list[DataT]:
    """Give the events of a type that wait in the outbox, in order."""
    async with store.read() as conn:
        found = await rows(conn, "select headers, value from outbox order by seq")
    return [
        kind.model_validate_json(it["value"])
        for it in found
        if TYPES[from_json(it["headers"])["ce_type"]] is kind
    ]


def a_diagnosis(failure_point: str, scope: ScopeKind) -> Diagnosis:
    """What diagnosis says of an incident at checkout."""
    incident = an_incident(1, "checkout")
    return Diagnosis(
        diagnosis_id=DiagnosisId(UUID(int=8_000)),
        incident_id=incident.incident_id,
        version=1,
        signature=Signature(signature_id="s", template=incident.summary),
        component=incident.component,
        summary=incident.summary,
        severity=incident.severity,
        origin=incident.origin,
        started_at=incident.started_at,
        reported_at=incident.reported_at,
        established_at=incident.reported_at,
        failure_point=FailurePoint(component=failure_point),
        scope=Scope(kind=scope, affected=1, could_be_affected=4),
        affected=Affected(),
        impact=1,
        urgency=2,
        priority=1,
        recommendation=Recommendation(channel=Channel.RESTORE, reasons=()),
    )


def a_problem(
    signature_id: str,
    *,
    cause: str | None = None,
    failure_point: str | None = None,
    scope: ScopeKind | None = None,
    established: float = 60,
    title: str = "db does not answer",
    number: int = 9_000,
    version: int = 1,
) -> Problem:
    """The problem of a fault; with its cause if that is known, so many minutes after beginning."""
    return Problem(
        problem_id=ProblemId(UUID(int=number)),
        version=version,
        state=ProblemState.OPEN if cause is None else ProblemState.CAUSE_KNOWN,
        signature_id=signature_id,
        template="It does not answer",
        component="db",
        title=title,
        priority=2,
        opened_at=BEGINNING,
        opened_because=OpenedBecause.BY_HAND,
        incidents=1,
        root_cause=cause
        and RootCause(
            statement=cause,
            cause_class=CauseClass.CAPACITY,
            failure_point=failure_point,
            scope=scope,
            established_at=at(established),
            established_by="platform",
        ),
    )


def a_fix(signature_id: str, *, verified: float | None = None, version: int = 3) -> Fix:
    """A permanent fix of a fault, verified so many minutes after the beginning."""
    return Fix(
        fix_id=FixId(UUID(int=9_100)),
        problem_id=ProblemId(UUID(int=9_000)),
        version=version,
        state=FixState.OBSERVED if verified is None else FixState.VERIFIED,
        signature_id=signature_id,
        component="db",
        description="more connections",
        owner="platform",
        carried_by="db-42",
        planned_at=BEGINNING,
        deployed_at=BEGINNING,
        verified_at=None if verified is None else at(verified),
    )


def names(entities: Sequence[Entity]) -> list[str]:
    """Give the names of entities, in order."""
    return [entity.name for entity in entities]
