"""`mejora.diagnoses`: what failed, where, who is affected, what to do. Key: the incident."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from mejora_events.contracts.base import Channel, EventData, Money, Origin, Severity, Time, Value
from mejora_events.ids import DiagnosisId, IncidentId, ProblemId, WorkaroundId

TOPIC = "mejora.diagnoses"

Share = Annotated[float, Field(ge=0, le=1)]
Grade = Annotated[int, Field(ge=1, le=5)]
"""A grade of priority, impact or urgency: 1 is the highest."""


class Signature(Value):
    """What makes two incidents the same fault, across sources and hosts."""

    signature_id: str
    """Stable digest of the template and the component's family."""
    template: str
    """The text with hosts, ids and numbers taken out, as a person reads it."""


class Evidence(Value):
    """What an answer rests on, so that a person can check it."""

    question: str
    answer: str
    because: str


class Candidate(Value):
    """A component where a cascade may have begun."""

    component: str
    probability: Share
    because: str


class FailurePoint(Value):
    """The component where the failure began, as against those it pulled down."""

    component: str
    probability: Share | None = None
    """How likely the cascade began there."""
    cascade: tuple[IncidentId, ...] = ()
    """The other incidents of the same cascade, the failure point's own first."""
    cascade_id: IncidentId | None = None
    """The first incident of the cascade: incidents that share it are one cascade."""
    candidates: tuple[Candidate, ...] = ()
    """Where the cascade may have begun, the likeliest first."""
    pulled_down: bool | None = None
    """Whether this incident's component was pulled down by the failure point, another one."""


class ScopeKind(StrEnum):
    """How much of what could be affected is affected."""

    BOUNDED = "bounded"
    GENERALISED = "generalised"
    UNKNOWN = "unknown"


class ScopeUnit(StrEnum):
    """What a scope is counted in."""

    INSTANCES = "instances"
    SITES = "sites"
    USERS = "users"


class ScopeCount(Value):
    """How many of a component's instances, sites or users are affected."""

    unit: ScopeUnit
    affected: int
    """As incidents told; 0 when none did."""
    could_be_affected: int | None = None
    """By the catalogue; empty when it does not say."""


class Scope(Value):
    """Affected ÷ could be affected, with both numbers."""

    kind: ScopeKind
    affected: int
    could_be_affected: int
    """0 when the catalogue does not say."""
    unit: ScopeUnit = ScopeUnit.INSTANCES
    """What both numbers count."""
    counts: tuple[ScopeCount, ...] = ()
    """All that is known of how much is affected, counted in each unit."""


class Affected(Value):
    """Who is hit: upwards from the component through the catalogue's dependencies."""

    processes: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()


class KnownError(Value):
    """A problem whose cause is known and that has a tested workaround."""

    problem_id: ProblemId
    workaround_id: WorkaroundId | None = None
    workaround: str = ""
    tried: int = 0
    worked: int = 0


class SimilarProblem(Value):
    """A former problem of another fault that reads like the incident."""

    problem_id: ProblemId
    title: str
    cause: str | None = None
    similarity: Share
    """1 for the same words; words that few problems have weigh more."""


class Recommendation(Value):
    """Which of the two channels to take, and why."""

    channel: Channel
    reasons: tuple[str, ...]
    alternate: str | None = None
    restore_median_seconds: float | None = None
    restore_p90_seconds: float | None = None
    cases: int = 0
    """How many former restorations stand behind the two durations."""


class OpenQuestion(Value):
    """What only people know, put to the owner."""

    question: str
    put_to: str
    key: str = ""
    """Names the question, whatever its wording; it is answered by this."""
    about: str = ""
    """The component that it is about, where it is about one."""
    answer: str | None = None
    answered_at: Time | None = None
    answered_by: str | None = None
    unknowable: bool = False


class Mark(StrEnum):
    """What became of an answer when the truth was known."""

    RIGHT = "right"
    WRONG = "wrong"


class Grading(Value):
    """What turned out to be true of an incident, and whether its diagnosis says so."""

    failure_point: Mark | None = None
    true_failure_point: str | None = None
    scope: Mark | None = None
    true_scope: ScopeKind | None = None
    signature: Mark | None = None
    """Wrong when incidents of one fault have two signatures, or of two faults one."""
    because: tuple[Evidence, ...] = ()
    graded_at: Time
    """When the newest that it rests on was known."""


class Diagnosis(Value):
    """A diagnosis as it stood when the event was written; the highest `version` is the newest."""

    diagnosis_id: DiagnosisId
    incident_id: IncidentId
    version: int
    signature: Signature
    component: str
    summary: str
    severity: Severity
    origin: Origin
    started_at: Time
    """When the incident's failure started."""
    reported_at: Time
    """When the incident was reported."""
    established_at: Time
    failure_point: FailurePoint
    scope: Scope
    affected: Affected
    impact: Grade
    urgency: Grade
    priority: Grade
    owner: str | None = None
    known_error: KnownError | None = None
    seen_before: int = 0
    """Former incidents of the same signature."""
    similar: tuple[SimilarProblem, ...] = ()
    """Where no known error has its signature: what reads most like it, the likest first."""
    recommendation: Recommendation
    open_questions: tuple[OpenQuestion, ...] = ()
    completed_at: Time | None = None
    """When the last open question was answered or declared unknowable."""
    cost_per_minute: Money | None = None
    """What a minute without the failure point costs, by the catalogue of that day."""
    evidence: tuple[Evidence, ...] = ()
    catalogue_version: int | None = None
    """The version of the catalogue that its answers rest on: it can be asked for by it."""
    grading: Grading | None = None
    """Empty while nothing is known to be true."""


class DiagnosisEvent(EventData):
    """What all events of this topic carry."""

    TOPIC: ClassVar[str] = TOPIC

    diagnosis: Diagnosis

    def key(self) -> str:
        return str(self.diagnosis.incident_id)


class DiagnosisEstablished(DiagnosisEvent):
    """What data can answer about an incident has been answered."""

    TYPE: ClassVar[str] = "mejora.diagnosis.established.v1"


class DiagnosisRevised(DiagnosisEvent):
    """Later knowledge changed the diagnosis: an answer, a late incident of the cascade."""

    TYPE: ClassVar[str] = "mejora.diagnosis.revised.v1"

    revised: tuple[str, ...]
    revised_at: Time
