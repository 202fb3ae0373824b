"""Indicators: values where something was measured, a reason where nothing was."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.base import Money, Origin
from mejora_improvement.model.availability import Lost, availability
from mejora_improvement.model.costs import Charge, CostPart, Noticed, cost_of_failure
from mejora_improvement.model.debt import LivingOnPatch, patch_debt, recurrences_per_month
from mejora_improvement.model.durations import SPANS, Spread, duration
from mejora_improvement.model.indicators import Facts, IndicatorSet, indicators
from mejora_improvement.model.money import summed
from mejora_improvement.model.overdue import OpenPromises, Promises, overdue
from mejora_improvement.model.period import (
    MONTH,
    BadPeriod,
    Period,
    Slice,
    period_until_now,
)
from mejora_improvement.model.shares import RATIOS, Tally, share

START = datetime(2026, 3, 1, tzinfo=UTC)
MARCH = Period(START, START + timedelta(days=31))


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def test_with_nothing_measured_every_indicator_says_why() -> None:
    shown = indicators(MARCH, Slice(), Facts()).indicators.model_dump()

    assert set(shown) == set(IndicatorSet.model_fields)
    accuracy = shown.pop("diagnosis_accuracy")
    for indicator in (*shown.values(), *accuracy.values()):
        assert indicator["reason"]
        assert indicator.get("median_seconds") is None
        assert indicator.get("value") is None


def test_a_duration_names_its_two_ends_and_its_unit() -> None:
    shown = duration(SPANS["time_to_restore"], Spread(3, 0, 1, 60.0, 90.0))

    assert (shown.starts, shown.ends) == ("failure started", "service level back by either channel")
    assert (shown.unit, shown.count, shown.median_seconds, shown.p90_seconds) == (
        "seconds",
        3,
        60.0,
        90.0,
    )
    assert shown.reason is None


def test_the_unacknowledged_are_counted_apart_and_are_the_reason() -> None:
    shown = duration(SPANS["time_to_acknowledge"], Spread(unfinished=4))

    assert shown.unfinished == 4
    assert shown.reason == "Of 4 in the period, none was acknowledged."


def test_durations_that_end_before_they_start_are_counted_apart() -> None:
    shown = duration(SPANS["time_to_detect"], Spread(invalid=2))

    assert (shown.count, shown.invalid, shown.median_seconds) == (0, 2, None)
    assert shown.reason and "before they had started" in shown.reason


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_share_has_a_value_or_a_reason_and_never_both(hits: int, misses: int) -> None:
    shown = share(RATIOS["recurrence_share"], Tally(hits, hits + misses))

    assert (shown.value is None) == (shown.reason is not None) == (hits + misses == 0)
    if shown.value is not None:
        assert 0 <= shown.value <= 1


def test_a_period_that_has_not_ended_is_measured_up_to_now() -> None:
    now = START + timedelta(days=10)

    assert period_until_now(START, None, now) == Period(START, now)
    assert period_until_now(START, START + timedelta(days=31), now) == Period(START, now)
    with pytest.raises(BadPeriod):
        period_until_now(now, None, now)


def test_costs_are_apart_by_who_noticed_and_by_currency() -> None:
    shown = cost_of_failure(
        [Noticed(Origin.INTERNAL, 2, 1, 600.0), Noticed(Origin.CUSTOMER, 1, 0, 60.0)],
        [
            Charge(Origin.INTERNAL, CostPart.LOST_SERVICE, euros("10.005")),
            Charge(Origin.INTERNAL, CostPart.PENALTY, Money(amount=Decimal(7), currency="CHF")),
            Charge(Origin.CUSTOMER, CostPart.HANDLING, euros("3")),
        ],
    )

    assert shown.internal.total == (
        Money(amount=Decimal("7.00"), currency="CHF"),
        euros("10.00"),
    )
    assert (shown.internal.incidents, shown.internal.unpriced) == (2, 1)
    assert shown.external.handling == (euros("3.00"),)
    assert shown.reason is None


def test_failures_without_a_price_say_so() -> None:
    shown = cost_of_failure([Noticed(Origin.INTERNAL, 1, 1, 60.0)], [])

    assert shown.reason == "The catalogue gives no cost for what failed in the period."


@given(
    st.lists(
        st.tuples(st.sampled_from(["EUR", "CHF"]), st.integers(0, 10_000)).map(
            lambda pair: Money(amount=Decimal(pair[1]) / 100, currency=pair[0])
        )
    )
)
def test_adding_up_loses_no_cent(amounts: list[Money]) -> None:
    for total in summed(amounts):
        assert total.amount == sum(
            money.amount for money in amounts if money.currency == total.currency
        )


def living(
    recurrences: int, interest: str | None, principal: str | None, months: float
) -> LivingOnPatch:
    """Give a signature that failed first so many months ago, and was patched at once."""
    began = MARCH.end - MONTH * months
    paid = (euros(interest),) if interest else None
    return LivingOnPatch(
        signature_id="s",
        open_workarounds=1,
        oldest_open_at=began,
        first_incident_at=began,
        incidents=recurrences + 1,
        recurrences=recurrences,
        cost=paid,
        interest=paid,
        principal=euros(principal) if principal else None,
    )


def test_patch_debt_adds_up_what_lives_on_workarounds() -> None:
    shown = patch_debt([living(4, "1200", "1000", 3), living(0, "0", None, 1)], MARCH.end)

    assert (shown.open_workarounds, shown.recurrences, shown.past_break_even) == (2, 4, 1)
    assert shown.without_estimate == 1
    assert shown.oldest_age_seconds == pytest.approx(3 * MONTH.total_seconds())
    assert shown.interest == (euros("1200.00"),)
    assert shown.expected_recurrences_per_month == pytest.approx(4.5 / 3 + 0.5 / 1)
    assert shown.expected_cost_per_month == (euros("450.00"),)


def test_interest_that_is_not_known_is_left_out_and_counted() -> None:
    shown = patch_debt([living(4, None, "1", 3), living(1, "50", "1", 1)], MARCH.end)

    assert (shown.interest, shown.interest_unknown) == ((euros("50.00"),), 1)
    assert shown.past_break_even == 1


def test_a_fault_that_has_only_just_come_has_no_rate_yet() -> None:
    assert recurrences_per_month(living(0, "0", None, 0), MARCH.end) is None


def test_without_open_promises_nothing_can_be_overdue() -> None:
    assert overdue(OpenPromises()).count is None
    on_time = overdue(OpenPromises(actions=Promises(open=3)))
    assert (on_time.count, on_time.reason) == (0, None)


def test_availability_says_whether_the_promise_was_kept() -> None:
    day = Period(START, START + timedelta(days=1))
    shown = availability(
        day,
        [
            Lost("acme", "gold", "orders", 0.99, 864.0),
            Lost("acme", "gold", None, 0.99, 865.0),
            Lost("acme", None, None, None, 0.0),
        ],
    )

    assert [item.value for item in shown.items] == pytest.approx([0.99, 1 - 865 / 86400, 1.0])
    assert [item.kept for item in shown.items] == [True, False, None]
