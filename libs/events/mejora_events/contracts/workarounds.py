"""`mejora.workarounds`: what carries the service without removing the cause. Key: the incident."""

from enum import StrEnum
from typing import ClassVar

from mejora_events.contracts.base import EventData, Time, Value
from mejora_events.ids import IncidentId, ProblemId, WorkaroundId

TOPIC = "mejora.workarounds"


class WorkaroundState(StrEnum):
    """What became of a workaround."""

    APPLIED = "applied"
    """It carries the service now."""
    FAILED = "failed"
    """It was tried and did not carry the service."""
    RETIRED = "retired"
    """A permanent fix took its place, or it is no longer needed."""


class Workaround(Value):
    """A workaround as it stood when the event was written; the highest `version` is the newest."""

    workaround_id: WorkaroundId
    incident_id: IncidentId
    version: int
    state: WorkaroundState
    signature_id: str
    component: str
    description: str
    owner: str
    applied_at: Time
    applied_by: str
    due_at: Time
    """When it must be gone."""
    promise_moves: int = 0
    """How often that date was moved."""
    overdue_since: Time | None = None
    failed_at: Time | None = None
    retired_at: Time | None = None
    ended_because: str = ""
    """Why it did not carry the service, or is no longer in use, as somebody said."""
    problem_id: ProblemId | None = None


class WorkaroundEvent(EventData):
    """What all events of this topic carry."""

    TOPIC: ClassVar[str] = TOPIC

    workaround: Workaround

    def key(self) -> str:
        return str(self.workaround.incident_id)


class WorkaroundApplied(WorkaroundEvent):
    """The customer is served another way."""

    TYPE: ClassVar[str] = "mejora.workaround.applied.v1"


class WorkaroundFailed(WorkaroundEvent):
    """It was tried and did not carry the service."""

    TYPE: ClassVar[str] = "mejora.workaround.failed.v1"

    reason: str = ""


class WorkaroundOverdue(WorkaroundEvent):
    """It should be gone and is not."""

    TYPE: ClassVar[str] = "mejora.workaround.overdue.v1"


class WorkaroundPromiseMoved(WorkaroundEvent):
    """The date on which it must be gone is another; it is still in use."""

    TYPE: ClassVar[str] = "mejora.workaround.promise-moved.v1"

    formerly_due_at: Time
    moved_at: Time
    reason: str = ""


class WorkaroundRetired(WorkaroundEvent):
    """It is no longer in use."""

    TYPE: ClassVar[str] = "mejora.workaround.retired.v1"

    reason: str = ""
