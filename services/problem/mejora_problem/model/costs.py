"""What one recurrence cost: lost service, handling, penalties."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from mejora_events.contracts.base import Money, Value
from mejora_problem.model.money import MoneyFigure, times, total
from mejora_problem.model.occurrences import Fault


@dataclass(frozen=True, slots=True)
class Prices:
    """What things cost, by the catalogue."""

    cost_per_minute: Mapping[str, Money] = field(default_factory=dict)
    """What a minute without a component costs."""
    labour_per_hour: Mapping[str, Money] = field(default_factory=dict)
    """What an hour of handling a failure of a component costs."""
    penalty_per_minute: Mapping[str, Money] = field(default_factory=dict)
    """What a contract costs for each minute lost."""
    default_labour_per_hour: Money | None = None

    @property
    def currency(self) -> str:
        """The currency in which nothing is told as 0."""
        for prices in (self.cost_per_minute, self.labour_per_hour, self.penalty_per_minute):
            for price in prices.values():
                return price.currency
        return Money(amount=Decimal(0)).currency


class Cost(Value):
    """What one recurrence, or several, cost."""

    lost_service: MoneyFigure
    """Minutes of lost service × the component's cost per minute."""
    handling: MoneyFigure
    """Minutes from acknowledgement to restoration × the labour rate."""
    penalties: MoneyFigure
    """Minutes of lost service × what the affected contracts cost per minute."""


def cost_of(fault: Fault, prices: Prices) -> Cost:
    """Tell what an incident cost.

    Lost service is counted once an outage has ended. A minute without the failure point is priced
    as on the day of the diagnosis, or else as the catalogue says now. Handling is the time from
    acknowledgement to restoration; nobody is known to have handled what nobody acknowledged.
    """
    lost = Decimal(str(fault.course.lost_seconds if fault.course else 0.0)) / 60
    handled = _handled_minutes(fault)
    component = fault.finding.component
    per_minute = fault.finding.cost_per_minute or prices.cost_per_minute.get(component)
    per_hour = prices.labour_per_hour.get(component, prices.default_labour_per_hour)
    penalties = [
        times(prices.penalty_per_minute[contract], lost)
        for contract in fault.finding.contracts
        if contract in prices.penalty_per_minute
    ]
    nothing = Money(amount=Decimal(0), currency=prices.currency)
    return Cost(
        lost_service=_priced(lost, per_minute, nothing, f"{component} has no cost per minute"),
        handling=_priced(handled / 60, per_hour, nothing, f"{component} has no labour rate"),
        penalties=total(penalties, prices.currency),
    )


def _handled_minutes(fault: Fault) -> Decimal:
    course = fault.course
    if course is None or course.acknowledged_at is None or course.restored_at is None:
        return Decimal(0)
    return _minutes(course.acknowledged_at, course.restored_at)


def _minutes(start: datetime, end: datetime) -> Decimal:
    return Decimal(str(max((end - start).total_seconds(), 0.0))) / 60


def _priced(quantity: Decimal, price: Money | None, nothing: Money, why: str) -> MoneyFigure:
    if not quantity:
        return MoneyFigure(value=nothing)
    return MoneyFigure(value=times(price, quantity)) if price else MoneyFigure(reason=why)
