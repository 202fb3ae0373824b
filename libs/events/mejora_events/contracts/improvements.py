"""`mejora.improvements`: changes with a baseline, a target and a measured result. Key: itself."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from mejora_events.contracts.base import EventData, Money, Time, Value
from mejora_events.ids import ImprovementId, ProblemId

TOPIC = "mejora.improvements"


class ImprovementState(StrEnum):
    """Where an improvement is."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    MEASURED = "measured"
    REALISED = "realised"
    REJECTED = "rejected"


class Verdict(StrEnum):
    """What measuring said."""

    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    NOT_ENOUGH_DATA = "not_enough_data"


class Window(Value):
    """A measured stretch of time: from (inclusive) to (exclusive)."""

    start: Time
    end: Time
    value: float | None = None
    count: int = 0


class Comparison(Value):
    """How result and baseline were compared, so that the verdict can be checked."""

    test: str
    p_value: Annotated[float, Field(ge=0, le=1)] | None = None
    """Empty when there was too little data for the test."""
    level: Annotated[float, Field(ge=0, le=1)] = 0.05
    reason: str = ""


class Improvement(Value):
    """An improvement as it stood when the event was written; the highest `version` is newest."""

    improvement_id: ImprovementId
    version: int
    state: ImprovementState
    title: str
    why: str
    indicator: str
    component: str | None = None
    process: str | None = None
    customer: str | None = None
    problem_id: ProblemId | None = None
    owner: str | None = None
    proposed_at: Time
    proposed_by: str
    target: float | None = None
    baseline: Window | None = None
    result: Window | None = None
    verdict: Verdict | None = None
    comparison: Comparison | None = None
    target_reached: bool | None = None
    """Whether the result is as good as the target, or better."""
    approved_at: Time | None = None
    measured_at: Time | None = None
    realised_at: Time | None = None
    rejected_at: Time | None = None
    rejected_because: str = ""
    expected_saving_per_month: Money | None = None
    worth: str = ""
    """What it was worth to the business: money, quality, a new contract, a renewal."""


class ImprovementEvent(EventData):
    """What all events of this topic carry."""

    TOPIC: ClassVar[str] = TOPIC

    improvement: Improvement

    def key(self) -> str:
        return str(self.improvement.improvement_id)


class ImprovementProposed(ImprovementEvent):
    """The data, or somebody, says that something can be made better."""

    TYPE: ClassVar[str] = "mejora.improvement.proposed.v1"


class ImprovementApproved(ImprovementEvent):
    """It will be done."""

    TYPE: ClassVar[str] = "mejora.improvement.approved.v1"


class ImprovementMeasured(ImprovementEvent):
    """Its result window has been measured against its baseline."""

    TYPE: ClassVar[str] = "mejora.improvement.measured.v1"


class ImprovementRealised(ImprovementEvent):
    """It is done and what it was worth is on record."""

    TYPE: ClassVar[str] = "mejora.improvement.realised.v1"


class ImprovementRejected(ImprovementEvent):
    """It will not be done."""

    TYPE: ClassVar[str] = "mejora.improvement.rejected.v1"

    reason: str = ""
