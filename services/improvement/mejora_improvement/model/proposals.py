"""Proposals made from the data: the costliest problems that keep coming back.

What removing a problem would save is what its incidents of the last 90 days have cost, per month.
Problems are ranked by that; those that the catalogue puts no price on come after, by lost time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mejora_events.contracts.base import Money
from mejora_events.ids import ProblemId
from mejora_improvement.model.comparison import Measurable
from mejora_improvement.model.money import times
from mejora_improvement.model.period import Period
from mejora_improvement.model.register import Draft

LEAST_INCIDENTS = 2
"""One incident is an accident; the second one is a pattern."""
MOST_OPEN_PROPOSALS = 10
"""Nobody decides on a long list: the rest waits until some are decided."""


@dataclass(frozen=True, slots=True)
class RecurringProblem:
    """An unresolved problem and what it did in the window looked at."""

    problem_id: ProblemId
    title: str
    component: str
    owner: str | None
    incidents: int
    lost_seconds: float
    costs: tuple[Money, ...]


def propose_from(problems: Sequence[RecurringProblem], window: Period, room: int) -> list[Draft]:
    """Propose to be rid of the costliest recurring problems, as many as there is room for."""
    recurring = [problem for problem in problems if problem.incidents >= LEAST_INCIDENTS]
    return [_draft(problem, window) for problem in sorted(recurring, key=_rank)[: max(room, 0)]]


def _rank(problem: RecurringProblem) -> tuple[Decimal, float, str]:
    saving = _dearest(problem)
    return (
        -saving.amount if saving else Decimal(0),
        -problem.lost_seconds,
        str(problem.problem_id),
    )


def _dearest(problem: RecurringProblem) -> Money | None:
    return max(problem.costs, key=lambda money: money.amount, default=None)


def _draft(problem: RecurringProblem, window: Period) -> Draft:
    dearest = _dearest(problem)
    saving = times([dearest], 1 / window.months)[0] if dearest and dearest.amount > 0 else None
    lost_minutes = problem.lost_seconds / 60
    why = (
        f"{problem.incidents} incidents in {window.seconds / 86400:.0f} days took "
        f"{lost_minutes:.0f} minutes of service"
    )
    cost = (
        f" and cost {dearest.amount:.2f} {dearest.currency}."
        if saving and dearest
        else "; the catalogue gives no cost for them."
    )
    return Draft(
        title=f"Be rid of: {problem.title}",
        why=why + cost,
        indicator=Measurable.INCIDENTS_PER_MONTH,
        component=problem.component,
        problem_id=problem.problem_id,
        owner=problem.owner,
        target=0.0,
        expected_saving_per_month=saving,
    )
