"""`mejora.fixes`: permanent fixes and whether they held. Key: the problem."""

from enum import StrEnum
from typing import ClassVar

from mejora_events.contracts.base import EventData, Money, Time, Value
from mejora_events.contracts.diagnoses import Share
from mejora_events.ids import FixId, IncidentId, ProblemId

TOPIC = "mejora.fixes"


class FixState(StrEnum):
    """Where a permanent fix is on its way to proof."""

    PLANNED = "planned"
    OBSERVED = "observed"
    """Deployed, and watched until the test gives a verdict."""
    HELD_SO_FAR = "held_so_far"
    """No recurrence, and too rare a fault for the test to prove anything yet."""
    VERIFIED = "verified"
    REGRESSED = "regressed"


class Proof(Value):
    """The one-sided exact conditional test of two Poisson rates, with its numbers."""

    incidents_before: int
    exposure_before_seconds: float
    incidents_after: int
    exposure_after_seconds: float
    p_value: Share
    level: Share = 0.05
    tested_at: Time
    reason: str


class Fix(Value):
    """A permanent fix as it stood when the event was written; the highest `version` is newest."""

    fix_id: FixId
    problem_id: ProblemId
    version: int
    state: FixState
    signature_id: str
    component: str
    description: str
    owner: str
    carried_by: str
    """The version or change that carries it."""
    estimated_cost: Money | None = None
    planned_at: Time
    due_at: Time | None = None
    deployed_at: Time | None = None
    deployed_to: tuple[str, ...] = ()
    """Where it is in place; empty means everywhere."""
    observe_until: Time | None = None
    """Announced on the day of deployment: so long without recurrence would be proof."""
    proof: Proof | None = None
    verified_at: Time | None = None
    regressed_at: Time | None = None


class FixEvent(EventData):
    """What all events of this topic carry."""

    TOPIC: ClassVar[str] = TOPIC

    fix: Fix

    def key(self) -> str:
        return str(self.fix.problem_id)


class FixPlanned(FixEvent):
    """Somebody will remove the cause."""

    TYPE: ClassVar[str] = "mejora.fix.planned.v1"


class FixDeployed(FixEvent):
    """The change that removes the cause is in place; observation begins."""

    TYPE: ClassVar[str] = "mejora.fix.deployed.v1"


class FixVerified(FixEvent):
    """The test says that the fault comes less often than before."""

    TYPE: ClassVar[str] = "mejora.fix.verified.v1"

    incident_ids: tuple[IncidentId, ...] = ()
    """The incidents that this fix settles."""


class FixRegressed(FixEvent):
    """The fault came back where the fix is in place, about as often as before."""

    TYPE: ClassVar[str] = "mejora.fix.regressed.v1"

    incident_id: IncidentId | None = None
