"""What is known from before when an incident is diagnosed."""

from dataclasses import dataclass, field
from datetime import datetime

from mejora_diagnosis.model.channel import Restorations, TriedWorkaround
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import SimilarProblem
from mejora_events.contracts.fixes import FixState
from mejora_events.ids import ProblemId


@dataclass(frozen=True, slots=True)
class KnownProblem:
    """The problem of a signature, as far as a diagnosis needs it."""

    problem_id: ProblemId
    title: str
    cause: str | None
    """The root cause in a sentence; None while it is not known."""


@dataclass(frozen=True, slots=True)
class KnownFix:
    """The newest permanent fix of a signature."""

    carried_by: str
    state: FixState
    deployed_at: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """All of it for one incident."""

    seen_before: int = 0
    """Former incidents of the same signature."""
    of_signature: Restorations = field(default_factory=Restorations)
    of_component: Restorations = field(default_factory=Restorations)
    tried: tuple[TriedWorkaround, ...] = ()
    problem: KnownProblem | None = None
    similar: tuple[SimilarProblem, ...] = ()
    """Problems of other faults that read like it; looked for where there is no known error."""
    fix: KnownFix | None = None
    changes: tuple[ChangeRecorded, ...] = ()
    """Changes of the component and of what it stands on, shortly before; the newest first."""
