"""Did it get better? Baseline and result window compared by a stated test at 5 %, two-sided.

- Counts of incidents: the exact conditional test of two Poisson rates (Przyborowski and Wilenski,
  1940). Given all n + k incidents, the k of the result window are binomial with
  p = its length ÷ both lengths.
- Durations: the Mann–Whitney U test (1947), which needs no distribution and is not moved by a tail.
- Shares: Fisher's exact test on the 2 × 2 table (Fisher, 1935).

`not_enough_data` is said when no outcome at all with that many cases could have been significant;
`unchanged` when one could, and this one was not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import comb

from mejora_events.contracts.improvements import Comparison, Verdict
from mejora_improvement.model.period import MONTH

LEVEL = 0.05
ENOUGH = 20
"""With so many durations on either side the least p-value is far below any level."""


class Measurable(StrEnum):
    """The indicators that an improvement can be measured by."""

    INCIDENTS_PER_MONTH = "incidents_per_month"
    TIME_TO_DETECT = "time_to_detect"
    TIME_TO_ACKNOWLEDGE = "time_to_acknowledge"
    TIME_TO_DIAGNOSE = "time_to_diagnose"
    TIME_TO_RESTORE = "time_to_restore"
    INTERNAL_DETECTION_SHARE = "internal_detection_share"
    RECURRENCE_SHARE = "recurrence_share"
    KNOWN_ERROR_SHARE = "known_error_share"


HIGHER_IS_BETTER = frozenset({Measurable.INTERNAL_DETECTION_SHARE, Measurable.KNOWN_ERROR_SHARE})
"""Of all others, less is better."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Incidents that started in a window of so many seconds."""

    incidents: int
    exposure_seconds: float

    @property
    def value(self) -> float | None:
        """Give incidents per mean month."""
        return self.incidents / self.exposure_seconds * MONTH.total_seconds()

    @property
    def count(self) -> int:
        """Tell how many incidents stand behind the value."""
        return self.incidents


@dataclass(frozen=True, slots=True)
class Lasted:
    """Durations in seconds, and their median."""

    seconds: Sequence[float]
    value: float | None

    @property
    def count(self) -> int:
        """Tell how many incidents stand behind the value."""
        return len(self.seconds)


@dataclass(frozen=True, slots=True)
class Shared:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """Give the share."""
        return self.hits / self.of if self.of else None

    @property
    def count(self) -> int:
        """Tell how many incidents stand behind the value."""
        return self.of


Sample = Counted | Lasted | Shared


@dataclass(frozen=True, slots=True)
class _Test:
    """A test's outcome: its p-value, the least it could have been, and which way it points."""

    name: str
    p_value: float
    least_p_value: float
    became_less: bool


def compare(indicator: Measurable, before: Sample, after: Sample) -> tuple[Verdict, Comparison]:
    """Compare two windows of the same indicator; raises TypeError when they are not of one kind."""
    match before, after:
        case Counted(), Counted():
            test = _rates(before, after)
        case Lasted(), Lasted():
            test = _durations(before, after)
        case Shared(), Shared():
            test = _shares(before, after)
        case _:
            raise TypeError("two windows of different kinds cannot be compared")
    return _verdict(indicator, before, after, test)


def _verdict(
    indicator: Measurable, before: Sample, after: Sample, test: _Test | None
) -> tuple[Verdict, Comparison]:
    counts = f"{before.count} before, {after.count} after"
    if test is None or test.least_p_value > LEVEL:
        reason = f"With so few cases ({counts}) no outcome could have been significant."
        name = test.name if test else ""
        return Verdict.NOT_ENOUGH_DATA, Comparison(test=name, level=LEVEL, reason=reason)
    better = test.became_less != (indicator in HIGHER_IS_BETTER)
    if test.p_value > LEVEL:
        verdict, says = Verdict.UNCHANGED, "the difference may well be chance"
    elif better:
        verdict, says = Verdict.IMPROVED, "better than before, and hardly by chance"
    else:
        verdict, says = Verdict.WORSE, "worse than before, and hardly by chance"
    reason = f"{test.name}: {says} (p = {test.p_value:.2g}; {counts})."
    return verdict, Comparison(test=test.name, p_value=test.p_value, level=LEVEL, reason=reason)


def _rates(before: Counted, after: Counted) -> _Test | None:
    from scipy.stats import binomtest  # takes seconds to load, and only measuring needs it

    total = before.incidents + after.incidents
    if total == 0:
        return None
    chance = after.exposure_seconds / (before.exposure_seconds + after.exposure_seconds)
    return _Test(
        name="exact conditional test of two Poisson rates",
        p_value=float(binomtest(after.incidents, total, chance).pvalue),
        least_p_value=float(
            min(binomtest(0, total, chance).pvalue, binomtest(total, total, chance).pvalue)
        ),
        became_less=after.incidents < total * chance,
    )


def _durations(before: Lasted, after: Lasted) -> _Test | None:
    from scipy.stats import mannwhitneyu  # takes seconds to load, and only measuring needs it

    if not before.seconds or not after.seconds:
        return None
    few, many = sorted(min(count, ENOUGH) for count in (before.count, after.count))
    all_the_same = len({*before.seconds, *after.seconds}) == 1
    result = None if all_the_same else mannwhitneyu(before.seconds, after.seconds)
    return _Test(
        name="Mann–Whitney U test",
        p_value=min(1.0, float(result.pvalue)) if result else 1.0,
        least_p_value=min(1.0, 2 / comb(few + many, few)),
        became_less=bool(result and result.statistic > before.count * after.count / 2),
    )


def _shares(before: Shared, after: Shared) -> _Test | None:
    from scipy.stats import fisher_exact  # takes seconds to load, and only measuring needs it

    if not before.of or not after.of:
        return None
    hits = before.hits + after.hits

    def p_value(hits_before: int) -> float:
        hits_after = hits - hits_before
        table = [
            [hits_before, before.of - hits_before],
            [hits_after, after.of - hits_after],
        ]
        return min(1.0, float(fisher_exact(table)[1]))

    return _Test(
        name="Fisher's exact test",
        p_value=p_value(before.hits),
        least_p_value=min(p_value(max(0, hits - after.of)), p_value(min(hits, before.of))),
        became_less=after.hits * before.of < before.hits * after.of,
    )
