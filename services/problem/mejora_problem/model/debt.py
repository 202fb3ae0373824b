"""Patch debt: what living on workarounds costs, against what the permanent fix would cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from mejora_events.contracts.base import Money, Time, Value
from mejora_events.contracts.fixes import Fix, FixState
from mejora_problem.model.costs import Cost, Prices, cost_of
from mejora_problem.model.money import MoneyFigure, times, total
from mejora_problem.model.occurrences import Fault
from mejora_problem.model.rates import MONTH, CostRate, Rate, cost_rate, rate_of


class BreakEven(Value):
    """The day when interest overtakes principal; or why there is none."""

    day: date | None = None
    passed: bool = False
    """From then on, not fixing has cost more than fixing."""
    reason: str | None = None


class Debt(Value):
    """The patch debt of a problem at a moment."""

    since: Time
    """When its first workaround was applied."""
    as_of: Time
    recurrences: int
    principal: MoneyFigure
    """What the permanent fix is estimated to cost."""
    interest: MoneyFigure
    """What the recurrences have cost since then; the parts that are known."""
    parts: Cost
    remarks: tuple[str, ...] = ()
    """What the interest leaves out."""
    recurrence_rate: Rate
    rate: CostRate
    """Expected recurrences a month × the mean cost of one."""
    break_even: BreakEven


@dataclass(frozen=True, slots=True)
class Patched:
    """A fault that lives on workarounds."""

    since: datetime
    """When its first workaround was applied."""
    faults: Sequence[Fault]
    """All incidents of its signature."""
    fixes: Sequence[Fix]
    """Its permanent fixes, planned ones as well."""


def debt_of(patched: Patched, prices: Prices, now: datetime) -> Debt:
    """Draw up the debt.

    Recurrences are the incidents that started after the first workaround was applied. Interest is
    the sum of what each cost, to the cent. It is null when the cost of lost service is not known
    for one of them; handling without a labour rate is left out and remarked on.
    """
    started = sorted(patched.faults, key=lambda fault: fault.finding.started_at)
    recurrences = [fault for fault in started if fault.finding.started_at > patched.since]
    parts = add_up((cost_of(fault, prices) for fault in recurrences), prices.currency)
    interest = interest_of(parts, prices.currency)
    principal = principal_of(patched.fixes)
    recurrence_rate = rate_of([fault.finding.started_at for fault in started], now)
    rate = cost_rate(recurrence_rate, _mean_cost(recurrences or started, prices))
    return Debt(
        since=patched.since,
        as_of=now,
        recurrences=len(recurrences),
        principal=principal,
        interest=interest,
        parts=parts,
        remarks=_left_out(parts),
        recurrence_rate=recurrence_rate,
        rate=rate,
        break_even=_break_even(principal, interest, recurrences, prices, rate, now),
    )


def principal_of(fixes: Iterable[Fix]) -> MoneyFigure:
    """Give the estimate of the fix that was planned last and has not failed."""
    estimated = [
        (fix.planned_at, fix.fix_id, fix.estimated_cost)
        for fix in fixes
        if fix.state is not FixState.REGRESSED and fix.estimated_cost
    ]
    if not estimated:
        return MoneyFigure(reason="no permanent fix with an estimated cost is planned")
    return MoneyFigure(value=max(estimated, key=lambda one: one[:2])[2])


def add_up(costs: Iterable[Cost], currency: str) -> Cost:
    """Add costs up part by part.

    Lost service and penalties are known only if they are for each; handling is summed where it is
    known, with the reason why it is not elsewhere.
    """
    listed = list(costs)
    handling = [cost.handling for cost in listed]
    known = _sum([figure for figure in handling if figure.value], currency)
    unknown = _sum([figure for figure in handling if not figure.value], currency).reason
    return Cost(
        lost_service=_sum([cost.lost_service for cost in listed], currency),
        handling=MoneyFigure(value=known.value, reason=known.reason or unknown),
        penalties=_sum([cost.penalties for cost in listed], currency),
    )


def _sum(figures: Sequence[MoneyFigure], currency: str) -> MoneyFigure:
    missing = sorted({figure.reason for figure in figures if figure.reason})
    if missing:
        return MoneyFigure(reason="; ".join(missing))
    return total((figure.value for figure in figures if figure.value), currency)


def _left_out(parts: Cost) -> tuple[str, ...]:
    why = parts.handling.reason
    return (f"handling is left out where {why}",) if why else ()


def interest_of(parts: Cost, currency: str) -> MoneyFigure:
    """Sum the parts; null when lost service or penalties are not known."""
    for needed in (parts.lost_service, parts.penalties):
        if needed.value is None:
            return needed
    known = (parts.lost_service.value, parts.handling.value, parts.penalties.value)
    return total((money for money in known if money), currency)


def _mean_cost(faults: Sequence[Fault], prices: Prices) -> MoneyFigure:
    if not faults:
        return MoneyFigure(reason="no incident is known")
    parts = add_up((cost_of(fault, prices) for fault in faults), prices.currency)
    interest = interest_of(parts, prices.currency)
    if interest.value is None:
        return interest
    return MoneyFigure(value=times(interest.value, 1 / Decimal(len(faults))))


def _break_even(
    principal: MoneyFigure,
    interest: MoneyFigure,
    recurrences: Sequence[Fault],
    prices: Prices,
    rate: CostRate,
    now: datetime,
) -> BreakEven:
    """Tell the day on which it was overtaken, or else on which it will be at the expected rate."""
    if principal.value is None or interest.value is None:
        return BreakEven(reason=principal.reason or interest.reason)
    if principal.value.currency != interest.value.currency and interest.value.amount:
        both = f"{principal.value.currency} and {interest.value.currency}"
        return BreakEven(reason=f"amounts in {both} cannot be compared")
    if interest.value.amount > principal.value.amount:
        day = _overtaken_on(principal.value, recurrences, prices)
        return BreakEven(day=day, passed=True)
    if rate.per_month is None:
        return BreakEven(reason=rate.reason)
    if rate.per_month.amount <= 0:
        return BreakEven(reason="recurrences cost nothing")
    if rate.per_month.currency != principal.value.currency:
        return BreakEven(reason=f"amounts in {rate.per_month.currency} cannot be compared")
    months = (principal.value.amount - interest.value.amount) / rate.per_month.amount
    try:
        return BreakEven(day=(now + float(months) * MONTH).date())
    except OverflowError:
        return BreakEven(reason="not within the years that a calendar has")


def _overtaken_on(principal: Money, recurrences: Sequence[Fault], prices: Prices) -> date | None:
    so_far = Decimal(0)
    for fault in sorted(recurrences, key=lambda fault: fault.ended_at):
        one = interest_of(add_up([cost_of(fault, prices)], prices.currency), prices.currency)
        so_far += one.value.amount if one.value else 0
        if so_far > principal.amount:
            return fault.ended_at.date()
    return None
