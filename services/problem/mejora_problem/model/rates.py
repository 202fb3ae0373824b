"""How often a fault is expected, and what that is expected to cost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from scipy.special import gammaincinv

from mejora_events.contracts.base import Money, Value
from mejora_problem.model.money import MoneyFigure, times

MONTH = timedelta(days=365.25 / 12)


class Rate(Value):
    """How many recurrences are expected a month, with the 90 % interval; or why none is told."""

    per_month: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class CostRate(Value):
    """What living on is expected to cost a month; or why that is not told."""

    per_month: Money | None = None
    low: Money | None = None
    high: Money | None = None
    reason: str | None = None


def rate_of(starts: Sequence[datetime], now: datetime) -> Rate:
    """Estimate recurrences a month: the mean and the 5 % and 95 % points of the Gamma posterior.

    With m recurrences in an exposure of T months since the first incident (which starts the clock
    and is not counted), and the Jeffreys prior Gamma(½, 0) of a Poisson rate, the posterior is
    Gamma(m + ½, T). The prior adds half a recurrence, so that a fault that was seen once has a
    rate too, with a wide interval. Source: H. Jeffreys, "Theory of Probability", 3rd ed. (1961);
    C. L. Atwood et al., "Handbook of Parameter Estimation for Probabilistic Risk Assessment",
    NUREG/CR-6823 (2003), section 6.2.2, which recommends it for rates of failures.
    """
    if not starts:
        return Rate(reason="no incident is known")
    months = (now - min(starts)) / MONTH
    if months <= 0:
        return Rate(reason="the first incident has only just come")
    shape = len(starts) - 1 + 0.5
    return Rate(
        per_month=shape / months,
        low=float(gammaincinv(shape, 0.05)) / months,
        high=float(gammaincinv(shape, 0.95)) / months,
    )


def cost_rate(rate: Rate, mean_cost: MoneyFigure) -> CostRate:
    """Price the expected recurrences; the interval is that of their number alone."""
    if rate.per_month is None or rate.low is None or rate.high is None:
        return CostRate(reason=rate.reason)
    if mean_cost.value is None:
        return CostRate(reason=mean_cost.reason)
    return CostRate(
        per_month=times(mean_cost.value, Decimal(str(rate.per_month))),
        low=times(mean_cost.value, Decimal(str(rate.low))),
        high=times(mean_cost.value, Decimal(str(rate.high))),
    )
