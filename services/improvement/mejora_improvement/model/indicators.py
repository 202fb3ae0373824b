"""All indicators of DESIGN section 8, put together from what was counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mejora_events.contracts.base import Time, Value
from mejora_improvement.model.availability import Availability, Lost, availability
from mejora_improvement.model.costs import Charge, CostOfFailure, Noticed, cost_of_failure
from mejora_improvement.model.debt import LivingOnPatch, PatchDebt, patch_debt
from mejora_improvement.model.durations import SPANS, DurationIndicator, Spread, duration
from mejora_improvement.model.overdue import OpenPromises, Overdue, overdue
from mejora_improvement.model.period import Period, Slice
from mejora_improvement.model.shares import RATIOS, ShareIndicator, Tally, share


@dataclass(frozen=True, slots=True)
class Facts:
    """What was counted for a period and slice; names are those of `SPANS` and `RATIOS`."""

    incidents: int = 0
    incidents_open: int = 0
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    living: Sequence[LivingOnPatch] = ()
    promises: OpenPromises = field(default_factory=OpenPromises)
    lost: Sequence[Lost] = ()
    noticed: Sequence[Noticed] = ()
    charges: Sequence[Charge] = ()


class KnownErrorShare(ShareIndicator):
    """How many incidents were matched to a known error, and how often its workaround worked."""

    workaround: ShareIndicator


class DiagnosisAccuracy(Value):
    """What share of diagnoses proved right, as diagnosis graded them when the truth was known."""

    failure_point: ShareIndicator
    scope: ShareIndicator
    signature: ShareIndicator


class IndicatorSet(Value):
    """Every indicator of DESIGN section 8."""

    time_to_detect: DurationIndicator
    time_to_acknowledge: DurationIndicator
    time_to_diagnose: DurationIndicator
    time_to_restore: DurationIndicator
    time_to_permanent_fix: DurationIndicator
    internal_detection_share: ShareIndicator
    recurrence_share: ShareIndicator
    alternate_channel_share: ShareIndicator
    fixed_for_good_share: ShareIndicator
    fix_success_share: ShareIndicator
    known_error_share: KnownErrorShare
    patch_debt: PatchDebt
    overdue: Overdue
    availability: Availability
    cost_of_failure: CostOfFailure
    diagnosis_accuracy: DiagnosisAccuracy


class Indicators(Value):
    """The indicators of a period and slice."""

    start: Time
    """Inclusive."""
    end: Time
    """Exclusive."""
    component: str | None
    process: str | None
    customer: str | None
    incidents: int
    """Incidents that ended in the period."""
    incidents_open: int
    """Incidents that had started and not ended when the period ended."""
    indicators: IndicatorSet


def indicators(period: Period, part: Slice, facts: Facts) -> Indicators:
    """Put all indicators together."""
    times = {name: duration(SPANS[name], facts.spreads.get(name, Spread())) for name in SPANS}
    shares = {name: share(RATIOS[name], facts.tallies.get(name, Tally())) for name in RATIOS}
    return Indicators(
        start=period.start,
        end=period.end,
        component=part.component,
        process=part.process,
        customer=part.customer,
        incidents=facts.incidents,
        incidents_open=facts.incidents_open,
        indicators=IndicatorSet(
            time_to_detect=times["time_to_detect"],
            time_to_acknowledge=times["time_to_acknowledge"],
            time_to_diagnose=times["time_to_diagnose"],
            time_to_restore=times["time_to_restore"],
            time_to_permanent_fix=times["time_to_permanent_fix"],
            internal_detection_share=shares["internal_detection_share"],
            recurrence_share=shares["recurrence_share"],
            alternate_channel_share=shares["alternate_channel_share"],
            fixed_for_good_share=shares["fixed_for_good_share"],
            fix_success_share=shares["fix_success_share"],
            known_error_share=KnownErrorShare(
                **shares["known_error_share"].model_dump(),
                workaround=shares["known_error_workaround_share"],
            ),
            patch_debt=patch_debt(facts.living, period.end),
            overdue=overdue(facts.promises),
            availability=availability(period, facts.lost),
            cost_of_failure=cost_of_failure(facts.noticed, facts.charges),
            diagnosis_accuracy=DiagnosisAccuracy(
                failure_point=shares["failure_point_accuracy"],
                scope=shares["scope_accuracy"],
                signature=shares["signature_accuracy"],
            ),
        ),
    )
