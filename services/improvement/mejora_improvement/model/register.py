"""The improvement register: the life of an improvement, from proposed to realised.

    proposed → approved → measured (again and again) → realised
        └──────────┴──────────┴→ rejected

Every step takes the improvement as it is and what happened, and gives the event that follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mejora_events.contracts.base import Money
from mejora_events.contracts.improvements import (
    Improvement,
    ImprovementApproved,
    ImprovementEvent,
    ImprovementMeasured,
    ImprovementProposed,
    ImprovementRealised,
    ImprovementRejected,
    ImprovementState,
    Window,
)
from mejora_events.ids import ImprovementId, ProblemId
from mejora_improvement.model.comparison import HIGHER_IS_BETTER, Measurable, Sample, compare
from mejora_improvement.model.period import Period, Slice

BASELINE = timedelta(days=90)
"""How far a baseline reaches back when nobody says otherwise."""


class NotPossible(Exception):
    """A step that an improvement cannot take; says what can be done instead."""

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(why)
        self.why = why
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Draft:
    """What is proposed: which figure, of which part, should get better, and why."""

    title: str
    why: str
    indicator: Measurable
    component: str | None = None
    process: str | None = None
    customer: str | None = None
    problem_id: ProblemId | None = None
    owner: str | None = None
    target: float | None = None
    expected_saving_per_month: Money | None = None


def part_measured(about: Draft | Improvement, signature_id: str | None) -> Slice:
    """Give the incidents that an improvement is measured by.

    Where it is about a problem these are the incidents of the problem's signature, whichever
    component they were reported on.
    """
    return Slice(
        component=None if signature_id else about.component,
        process=about.process,
        customer=about.customer,
        signature_id=signature_id,
    )


def baseline_until(at: datetime, given: Period | None = None) -> Period:
    """Give the baseline window: the one given, or the 90 days before; raises NotPossible."""
    if given is None:
        return Period(at - BASELINE, at)
    if given.end > at:
        raise NotPossible(
            "The baseline window is not over yet.",
            "Give a window that ends before the improvement is proposed.",
        )
    return given


def propose(
    improvement_id: ImprovementId,
    draft: Draft,
    baseline: tuple[Period, Sample],
    at: datetime,
    by: str,
) -> ImprovementProposed:
    """Put an improvement on the register, with what its figure was before."""
    return ImprovementProposed(
        improvement=Improvement(
            improvement_id=improvement_id,
            version=1,
            state=ImprovementState.PROPOSED,
            title=draft.title,
            why=draft.why,
            indicator=draft.indicator,
            component=draft.component,
            process=draft.process,
            customer=draft.customer,
            problem_id=draft.problem_id,
            owner=draft.owner,
            proposed_at=at,
            proposed_by=by,
            target=draft.target,
            baseline=as_window(*baseline),
            expected_saving_per_month=draft.expected_saving_per_month,
        )
    )


def approve(improvement: Improvement, at: datetime, owner: str | None) -> ImprovementApproved:
    """Decide that it will be done; raises NotPossible."""
    _require(improvement, "approve", [ImprovementState.PROPOSED])
    return ImprovementApproved(
        improvement=_next(
            improvement,
            state=ImprovementState.APPROVED,
            approved_at=at,
            owner=owner or improvement.owner,
        )
    )


def reject(improvement: Improvement, at: datetime, reason: str) -> ImprovementRejected:
    """Decide that it will not be done, or not be gone on with; raises NotPossible."""
    open_states = (ImprovementState.PROPOSED, ImprovementState.APPROVED, ImprovementState.MEASURED)
    _require(improvement, "reject", open_states)
    return ImprovementRejected(
        improvement=_next(
            improvement,
            state=ImprovementState.REJECTED,
            rejected_at=at,
            rejected_because=reason,
        ),
        reason=reason,
    )


def result_window(improvement: Improvement, at: datetime, given: Period | None) -> Period:
    """Give the window that is compared with the baseline: the one given, or since the approval.

    Raises NotPossible when nothing was approved, when the window reaches back into the baseline,
    or when it is not over.
    """
    _require(improvement, "measure", [ImprovementState.APPROVED, ImprovementState.MEASURED])
    start = improvement.approved_at or improvement.proposed_at
    if given is None and at <= start:
        raise NotPossible(
            "No time has passed since the improvement was approved.",
            "Measure it later, or give the result window.",
        )
    window = given or Period(start, at)
    if window.start < baseline_of(improvement).end:
        raise NotPossible(
            "The result window reaches back into the baseline window.",
            f"Let it start at {baseline_of(improvement).end.isoformat()} or later.",
        )
    if window.end > at:
        raise NotPossible(
            "The result window is not over yet.",
            f"Let it end at {at.isoformat()} or before, or measure later.",
        )
    return window


def baseline_of(improvement: Improvement) -> Period:
    """Give the baseline window that was set when the improvement was proposed."""
    window = improvement.baseline
    if window is None:
        return Period(improvement.proposed_at - BASELINE, improvement.proposed_at)
    return Period(window.start, window.end)


def measure(
    improvement: Improvement,
    baseline: tuple[Period, Sample],
    result: tuple[Period, Sample],
    at: datetime,
) -> ImprovementMeasured:
    """Compare result and baseline; the baseline is counted again, for late news of it counts."""
    indicator = Measurable(improvement.indicator)
    verdict, comparison = compare(indicator, baseline[1], result[1])
    return ImprovementMeasured(
        improvement=_next(
            improvement,
            state=ImprovementState.MEASURED,
            measured_at=at,
            baseline=as_window(*baseline),
            result=as_window(*result),
            verdict=verdict,
            comparison=comparison,
            target_reached=target_reached(indicator, improvement.target, result[1].value),
        )
    )


def realise(improvement: Improvement, at: datetime, worth: str) -> ImprovementRealised:
    """Put on record that it is done and what it was worth; raises NotPossible."""
    _require(improvement, "realise", [ImprovementState.MEASURED])
    return ImprovementRealised(
        improvement=_next(improvement, state=ImprovementState.REALISED, realised_at=at, worth=worth)
    )


def target_reached(indicator: Measurable, target: float | None, value: float | None) -> bool | None:
    """Tell whether a value is as good as the target; empty when either is missing."""
    if target is None or value is None:
        return None
    return value >= target if indicator in HIGHER_IS_BETTER else value <= target


def happened_at(event: ImprovementEvent) -> datetime:
    """Tell when the step that an event is about was taken."""
    improvement = event.improvement
    steps = (
        improvement.proposed_at,
        improvement.approved_at,
        improvement.measured_at,
        improvement.realised_at,
        improvement.rejected_at,
    )
    return max(at for at in steps if at is not None)


def as_window(period: Period, sample: Sample) -> Window:
    """Give a measured window as events carry it."""
    return Window(start=period.start, end=period.end, value=sample.value, count=sample.count)


def _next(improvement: Improvement, **changes: object) -> Improvement:
    return improvement.model_copy(update={**changes, "version": improvement.version + 1})


def _require(improvement: Improvement, step: str, states: Sequence[ImprovementState]) -> None:
    if improvement.state not in states:
        possible = " or ".join(states)
        raise NotPossible(
            f"The improvement is {improvement.state}; one can only {step} one that is {possible}.",
            "Look at it with GET /improvement/v1/improvements/{id}.",
        )
