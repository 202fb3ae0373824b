"""`mejora.problems`: the cause behind incidents of one signature. Key: the problem."""

from enum import StrEnum
from typing import ClassVar

from mejora_events.contracts.base import EventData, Time, Value
from mejora_events.contracts.diagnoses import Grade, ScopeKind
from mejora_events.ids import ActionId, IncidentId, ProblemId

TOPIC = "mejora.problems"


class ProblemState(StrEnum):
    """Where a problem is on its way to being gone for good."""

    OPEN = "open"
    """The cause is not known."""
    KNOWN_ERROR = "known_error"
    """The cause is known and a tested workaround exists."""
    CAUSE_KNOWN = "cause_known"
    """The cause is known; there is no tested workaround."""
    RESOLVED = "resolved"
    """A permanent fix was verified."""


class OpenedBecause(StrEnum):
    """The rule that opened a problem."""

    HIGH_PRIORITY = "high_priority"
    """The first incident of priority 1 or 2."""
    SECOND_INCIDENT = "second_incident"
    """The second incident of the signature."""
    BY_HAND = "by_hand"


class CauseClass(StrEnum):
    """What kind of thing the root cause is; there is no class for a person."""

    SYSTEM = "system"
    PROCEDURE = "procedure"
    TRAINING = "training"
    CAPACITY = "capacity"
    SUPPLIER = "supplier"
    EXTERNAL = "external"


class Why(Value):
    """One step of the five whys."""

    why: str
    because: str


class CauseBranch(Value):
    """One bone of the cause-and-effect (Ishikawa) diagram: contributing causes of one class."""

    cause_class: CauseClass
    causes: tuple[str, ...]


class RootCause(Value):
    """Why it failed, as structure."""

    statement: str
    cause_class: CauseClass
    five_whys: tuple[Why, ...] = ()
    cause_and_effect: tuple[CauseBranch, ...] = ()
    failure_point: str | None = None
    """The component where the failure turned out to begin; grades the diagnosis."""
    scope: ScopeKind | None = None
    """How far it turned out to reach; grades the diagnosis."""
    established_at: Time
    established_by: str


class ActionState(StrEnum):
    """What became of a step of the plan."""

    PLANNED = "planned"
    DONE = "done"
    OVERDUE = "overdue"


class Action(Value):
    """One step of the plan to avoid or mitigate the risk."""

    action_id: ActionId
    description: str
    owner: str
    due_at: Time
    done_at: Time | None = None
    state: ActionState = ActionState.PLANNED


class Problem(Value):
    """A problem as it stood when the event was written; the highest `version` is the newest."""

    problem_id: ProblemId
    version: int
    state: ProblemState
    signature_id: str
    template: str
    component: str
    title: str
    owner: str | None = None
    priority: Grade
    opened_at: Time
    opened_because: OpenedBecause
    incidents: int
    """Incidents of the signature so far: the first ones and the recurrences."""
    first_incident_at: Time | None = None
    last_incident_at: Time | None = None
    root_cause: RootCause | None = None
    actions: tuple[Action, ...] = ()
    resolved_at: Time | None = None


class ProblemEvent(EventData):
    """What all events of this topic carry."""

    TOPIC: ClassVar[str] = TOPIC

    problem: Problem

    def key(self) -> str:
        return str(self.problem.problem_id)


class ProblemOpened(ProblemEvent):
    """Somebody will look for the cause."""

    TYPE: ClassVar[str] = "mejora.problem.opened.v1"

    incident_ids: tuple[IncidentId, ...] = ()


class ProblemRecurred(ProblemEvent):
    """One more incident of the signature."""

    TYPE: ClassVar[str] = "mejora.problem.recurred.v1"

    incident_id: IncidentId


class ProblemRootCauseEstablished(ProblemEvent):
    """The cause is known."""

    TYPE: ClassVar[str] = "mejora.problem.root-cause-established.v1"


class ProblemEscalated(ProblemEvent):
    """Something promised is overdue; the owner, then the superior role, is asked."""

    TYPE: ClassVar[str] = "mejora.problem.escalated.v1"

    escalated_to: str
    reason: str
    escalated_at: Time


class ProblemResolved(ProblemEvent):
    """A permanent fix was verified."""

    TYPE: ClassVar[str] = "mejora.problem.resolved.v1"


class ProblemReopened(ProblemEvent):
    """The fault came back after its problem was resolved."""

    TYPE: ClassVar[str] = "mejora.problem.reopened.v1"

    reopened_at: Time
    reason: str
