"""The life of an improvement, and proposals made from the data."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.base import Money
from mejora_events.contracts.improvements import (
    Improvement,
    ImprovementEvent,
    ImprovementState,
    Verdict,
)
from mejora_events.ids import ImprovementId, ProblemId
from mejora_improvement.model import register
from mejora_improvement.model.comparison import Counted, Measurable
from mejora_improvement.model.period import Period
from mejora_improvement.model.proposals import RecurringProblem, propose_from
from mejora_improvement.model.register import Draft, NotPossible

NOW = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = Period(NOW - timedelta(days=90), NOW)
DRAFT = Draft(
    title="Checkout no longer times out",
    why="It does every week",
    indicator=Measurable.INCIDENTS_PER_MONTH,
    component="checkout",
    target=1.0,
)


def later(days: float) -> datetime:
    return NOW + timedelta(days=days)


def proposed() -> Improvement:
    baseline = (QUARTER, Counted(12, QUARTER.seconds))
    return register.propose(ImprovementId(uuid4()), DRAFT, baseline, NOW, "key:ops").improvement


def measured(incidents: int) -> Improvement:
    improvement = register.approve(proposed(), later(1), "payments").improvement
    window = register.result_window(improvement, later(91), None)
    return register.measure(
        improvement,
        (QUARTER, Counted(12, QUARTER.seconds)),
        (window, Counted(incidents, window.seconds)),
        later(91),
    ).improvement


def test_an_improvement_goes_all_the_way() -> None:
    improvement = measured(incidents=1)

    assert (improvement.state, improvement.verdict) == (ImprovementState.MEASURED, Verdict.IMPROVED)
    assert improvement.target_reached
    assert improvement.result and improvement.result.start == later(1)
    assert improvement.owner == "payments"

    done = register.realise(improvement, later(92), "a renewal").improvement

    assert (done.state, done.worth, done.version) == (ImprovementState.REALISED, "a renewal", 4)


def test_a_rejected_improvement_says_why_and_goes_nowhere() -> None:
    rejected = register.reject(proposed(), later(1), "too dear").improvement

    assert rejected.rejected_because == "too dear"
    with pytest.raises(NotPossible, match="rejected"):
        register.approve(rejected, later(2), None)


def test_nothing_is_realised_that_was_not_measured() -> None:
    with pytest.raises(NotPossible, match="measured"):
        register.realise(proposed(), later(1), "much")


def test_a_result_window_lies_behind_the_baseline_and_is_over() -> None:
    approved = register.approve(proposed(), later(1), None).improvement

    with pytest.raises(NotPossible, match="baseline"):
        register.result_window(approved, later(9), Period(later(-1), later(5)))
    with pytest.raises(NotPossible, match="not over"):
        register.result_window(approved, later(9), Period(later(1), later(10)))
    with pytest.raises(NotPossible, match="No time"):
        register.result_window(approved, later(1), None)


def test_a_baseline_is_over_when_the_improvement_is_proposed() -> None:
    assert register.baseline_until(NOW) == QUARTER
    with pytest.raises(NotPossible):
        register.baseline_until(NOW, Period(NOW, later(1)))


STEPS: dict[str, Callable[[Improvement], ImprovementEvent]] = {
    "approve": lambda i: register.approve(i, later(1), None),
    "reject": lambda i: register.reject(i, later(1), ""),
    "measure": lambda i: register.measure(
        i,
        (QUARTER, Counted(1, QUARTER.seconds)),
        (register.result_window(i, later(9), None), Counted(1, 1.0)),
        later(9),
    ),
    "realise": lambda i: register.realise(i, later(10), ""),
}


@given(st.lists(st.sampled_from(sorted(STEPS))))
def test_every_step_that_is_possible_makes_one_new_version(steps: list[str]) -> None:
    improvement = proposed()
    for step in steps:
        try:
            after = STEPS[step](improvement).improvement
        except NotPossible as refused:
            assert refused.advice
            continue
        assert after.version == improvement.version + 1
        assert improvement.state not in (ImprovementState.REALISED, ImprovementState.REJECTED)
        improvement = after


def problem(number: int, incidents: int, cost: str | None, lost: float = 60.0) -> RecurringProblem:
    return RecurringProblem(
        problem_id=ProblemId(UUID(int=number)),
        title=f"fault {number}",
        component="checkout",
        owner="payments",
        incidents=incidents,
        lost_seconds=lost,
        costs=(Money(amount=Decimal(cost)),) if cost else (),
    )


def test_the_costliest_recurring_problems_are_proposed_first() -> None:
    drafts = propose_from(
        [
            problem(1, 2, "100"),
            problem(2, 2, "9000"),
            problem(3, 1, "99999"),
            problem(4, 5, None, lost=60.0),
            problem(5, 5, None, lost=6000.0),
        ],
        QUARTER,
        room=3,
    )

    assert [draft.problem_id.int for draft in drafts if draft.problem_id] == [2, 1, 5]


def test_a_proposal_says_what_it_would_save_each_month() -> None:
    [draft] = propose_from([problem(1, 6, "9000", lost=7200.0)], QUARTER, room=1)

    assert draft.expected_saving_per_month
    assert draft.expected_saving_per_month.amount == pytest.approx(Decimal("3043.75"))
    assert draft.why == "6 incidents in 90 days took 120 minutes of service and cost 9000.00 EUR."
    assert (draft.target, draft.indicator) == (0.0, Measurable.INCIDENTS_PER_MONTH)


def test_without_a_price_a_proposal_says_so_and_promises_no_money() -> None:
    [draft] = propose_from([problem(1, 6, None)], QUARTER, room=9)

    assert draft.expected_saving_per_month is None
    assert "no cost" in draft.why
