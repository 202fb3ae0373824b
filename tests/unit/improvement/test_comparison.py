"""Verdicts: what changed by more than chance, and what nobody can say yet."""

from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mejora_events.contracts.improvements import Verdict
from mejora_improvement.model.comparison import Counted, Lasted, Measurable, Shared, compare

DAY = 86400.0


def lasted(seconds: list[float]) -> Lasted:
    return Lasted(seconds, median(seconds) if seconds else None)


def verdict_of_rates(before: int, after: int, days: float = 90) -> Verdict:
    return compare(
        Measurable.INCIDENTS_PER_MONTH,
        Counted(before, 90 * DAY),
        Counted(after, days * DAY),
    )[0]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (10, 0, Verdict.IMPROVED),
        (0, 10, Verdict.WORSE),
        (10, 9, Verdict.UNCHANGED),
        (2, 0, Verdict.NOT_ENOUGH_DATA),
        (0, 0, Verdict.NOT_ENOUGH_DATA),
    ],
)
def test_fewer_incidents_are_better_when_it_is_hardly_chance(
    before: int, after: int, verdict: Verdict
) -> None:
    assert verdict_of_rates(before, after) is verdict


def test_a_quiet_week_after_ten_incidents_in_a_quarter_proves_nothing() -> None:
    assert verdict_of_rates(10, 0, days=7) is Verdict.UNCHANGED


def test_the_verdict_can_be_checked() -> None:
    _, comparison = compare(
        Measurable.INCIDENTS_PER_MONTH, Counted(10, 90 * DAY), Counted(0, 90 * DAY)
    )

    assert comparison.p_value == pytest.approx(2 * 0.5**10)
    assert "exact conditional test" in comparison.test
    assert "10 before, 0 after" in comparison.reason


def test_shorter_durations_are_better() -> None:
    before, after = lasted([600.0, 700, 800, 900, 1000]), lasted([60.0, 70, 80, 90, 100])

    assert compare(Measurable.TIME_TO_RESTORE, before, after)[0] is Verdict.IMPROVED
    assert compare(Measurable.TIME_TO_RESTORE, after, before)[0] is Verdict.WORSE


def test_three_durations_on_each_side_are_not_enough() -> None:
    verdict, _ = compare(Measurable.TIME_TO_RESTORE, lasted([900.0] * 3), lasted([1.0] * 3))

    assert verdict is Verdict.NOT_ENOUGH_DATA


def test_durations_that_are_all_the_same_have_not_changed() -> None:
    verdict, _ = compare(Measurable.TIME_TO_RESTORE, lasted([60.0] * 9), lasted([60.0] * 9))

    assert verdict is Verdict.UNCHANGED


def test_noticing_more_inside_is_better_and_recurring_more_is_worse() -> None:
    few, many = Shared(5, 50), Shared(30, 50)

    assert compare(Measurable.INTERNAL_DETECTION_SHARE, few, many)[0] is Verdict.IMPROVED
    assert compare(Measurable.RECURRENCE_SHARE, few, many)[0] is Verdict.WORSE


def test_windows_of_different_kinds_are_not_compared() -> None:
    with pytest.raises(TypeError):
        compare(Measurable.TIME_TO_RESTORE, Counted(1, DAY), lasted([1.0]))


OPPOSITE = {
    Verdict.IMPROVED: Verdict.WORSE,
    Verdict.WORSE: Verdict.IMPROVED,
    Verdict.UNCHANGED: Verdict.UNCHANGED,
    Verdict.NOT_ENOUGH_DATA: Verdict.NOT_ENOUGH_DATA,
}
counts = st.integers(0, 40)
durations = st.lists(st.integers(0, 5000).map(float), max_size=15).map(lasted)
shares = st.tuples(counts, counts).map(lambda pair: Shared(pair[0], sum(pair)))


@settings(deadline=None)
@given(counts, counts)
def test_rates_seen_backwards_give_the_opposite_verdict(before: int, after: int) -> None:
    assert verdict_of_rates(after, before) is OPPOSITE[verdict_of_rates(before, after)]


@settings(deadline=None)
@given(durations, durations)
def test_durations_seen_backwards_give_the_opposite_verdict(before: Lasted, after: Lasted) -> None:
    there, _ = compare(Measurable.TIME_TO_DETECT, before, after)
    back, _ = compare(Measurable.TIME_TO_DETECT, after, before)

    assert back is OPPOSITE[there]


@settings(deadline=None)
@given(shares, shares)
def test_shares_seen_backwards_give_the_opposite_verdict(before: Shared, after: Shared) -> None:
    there, _ = compare(Measurable.KNOWN_ERROR_SHARE, before, after)
    back, _ = compare(Measurable.KNOWN_ERROR_SHARE, after, before)

    assert back is OPPOSITE[there]
