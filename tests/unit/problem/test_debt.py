"""Patch debt: principal, interest, rate and the day on which not fixing costs more than fixing."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammainc

from mejora_events.contracts.base import Money
from mejora_events.contracts.fixes import FixState
from mejora_problem.model.costs import Prices, cost_of
from mejora_problem.model.debt import Patched, debt_of
from mejora_problem.model.occurrences import Fault
from mejora_problem.model.rates import MONTH, rate_of
from support.problems import a_fault, a_fix, day, euros, faults_at

PRICES = Prices(
    cost_per_minute={"database": euros(10)},
    labour_per_hour={"database": euros(60)},
    penalty_per_minute={"gold": euros(3)},
)
FIX = a_fix(cost=euros(1000))


def recurrence(number: int, at: float, minutes: float = 20.0) -> Fault:
    return a_fault(number, at, minutes=minutes, handled_minutes=10, contracts=("gold", "none"))


def test_a_recurrence_costs_lost_service_and_handling_and_penalties() -> None:
    cost = cost_of(recurrence(1, 1), PRICES)
    assert cost.lost_service.value == euros("200.00")
    assert cost.handling.value == euros("10.00")
    assert cost.penalties.value == euros("60.00")


def test_the_price_of_the_day_of_the_diagnosis_goes_before_todays() -> None:
    fault = a_fault(1, 1, minutes=2, cost_per_minute=euros(7))
    assert cost_of(fault, PRICES).lost_service.value == euros("14.00")


def test_interest_counts_what_came_after_the_first_workaround() -> None:
    faults = [recurrence(1, 0), recurrence(2, 5), recurrence(3, 9)]
    debt = debt_of(Patched(day(0.01), faults, [FIX]), PRICES, day(30))
    assert debt.recurrences == 2
    assert debt.interest.value == euros("540.00")
    assert debt.principal.value == euros(1000)


def test_without_recurrences_nothing_is_owed_yet() -> None:
    debt = debt_of(Patched(day(1), [recurrence(1, 0)], [FIX]), PRICES, day(30))
    assert debt.interest.value == euros(0)
    assert debt.rate.per_month
    assert debt.break_even.day
    assert not debt.break_even.passed


def test_break_even_is_the_day_on_which_interest_overtook_principal() -> None:
    faults = [recurrence(number, 2 * number) for number in range(1, 8)]
    debt = debt_of(Patched(day(1), faults, [FIX]), PRICES, day(30))
    # 270 each: the fourth recurrence passes 1000.
    assert debt.break_even.passed
    assert debt.break_even.day == date(2026, 1, 9)


def test_break_even_to_come_is_reached_at_the_expected_rate() -> None:
    faults = [recurrence(1, 0), recurrence(2, 10)]
    debt = debt_of(Patched(day(0.01), faults, [FIX]), PRICES, day(20))
    assert debt.rate.per_month
    months = Decimal(1000 - 270) / debt.rate.per_month.amount
    assert debt.break_even.day == (day(20) + float(months) * MONTH).date()


def test_what_is_not_known_is_null_with_a_reason() -> None:
    debt = debt_of(Patched(day(0.01), [recurrence(1, 0), recurrence(2, 5)], []), Prices(), day(9))
    assert debt.principal.value is None
    assert debt.principal.reason == "no permanent fix with an estimated cost is planned"
    assert debt.interest.value is None
    assert debt.interest.reason == "database has no cost per minute"
    assert debt.rate.per_month is None
    assert debt.break_even.day is None
    assert debt.break_even.reason


def test_handling_without_a_labour_rate_is_left_out_and_remarked_on() -> None:
    prices = Prices(cost_per_minute={"database": euros(10)})
    debt = debt_of(Patched(day(0.01), [recurrence(2, 5)], [FIX]), prices, day(9))
    assert debt.interest.value == euros("200.00")
    assert debt.remarks == ("handling is left out where database has no labour rate",)


def test_currencies_are_not_added() -> None:
    dollars = Money(amount=Decimal(4), currency="USD")
    prices = Prices({"database": euros(10)}, {"database": dollars})
    debt = debt_of(Patched(day(0.01), [recurrence(2, 5)], [FIX]), prices, day(9))
    assert debt.interest.value is None
    assert debt.interest.reason == "amounts in EUR and USD cannot be added"


def test_a_fix_that_failed_is_no_principal() -> None:
    failed = FIX.model_copy(update={"state": FixState.REGRESSED, "planned_at": day(50)})
    debt = debt_of(Patched(day(1), [], [failed, FIX]), PRICES, day(30))
    assert debt.principal.value == euros(1000)
    assert debt_of(Patched(day(1), [], [failed]), PRICES, day(30)).principal.value is None


faults_lists = st.lists(
    st.tuples(st.floats(0, 90), st.floats(0, 5000)), min_size=1, max_size=8
).map(lambda drawn: [recurrence(n, at, minutes) for n, (at, minutes) in enumerate(drawn, 1)])


@given(faults_lists, st.integers(0, 8))
def test_debt_adds_up(faults: list[Fault], cut: int) -> None:
    def interest(some: list[Fault]) -> Decimal:
        value = debt_of(Patched(day(-1), some, [FIX]), PRICES, day(100)).interest.value
        assert value
        return value.amount

    assert interest(faults) == interest(faults[:cut]) + interest(faults[cut:])
    debt = debt_of(Patched(day(-1), faults, [FIX]), PRICES, day(100))
    parts = (debt.parts.lost_service, debt.parts.handling, debt.parts.penalties)
    assert interest(faults) == sum(part.value.amount for part in parts if part.value)
    assert debt.break_even.passed == (interest(faults) > 1000)


@given(st.integers(1, 30), st.floats(1, 900))
def test_the_rate_lies_within_its_interval_which_holds_ninety_percent(
    incidents: int, days: float
) -> None:
    rate = rate_of([day(days * n / incidents) for n in range(incidents)], day(days))
    assert rate.per_month and rate.low is not None and rate.high
    assert rate.low < rate.per_month < rate.high
    months = timedelta(days=days) / MONTH
    inside = gammainc(incidents - 0.5, rate.high * months) - gammainc(
        incidents - 0.5, rate.low * months
    )
    assert inside == pytest.approx(0.9, abs=1e-9)


def test_the_rate_counts_from_the_first_incident_without_counting_it() -> None:
    starts = [fault.finding.started_at for fault in faults_at([0, 10, 20, 30])]
    rate = rate_of(starts, day(0) + 2 * MONTH)
    assert rate.per_month == pytest.approx(3.5 / 2)


def test_no_incident_has_no_rate() -> None:
    assert rate_of([], day(3)).reason == "no incident is known"
    assert rate_of([day(3)], day(3)).reason == "the first incident has only just come"
