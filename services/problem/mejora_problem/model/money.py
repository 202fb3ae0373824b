"""Adding money up, or saying why it cannot be added."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

from mejora_events.contracts.base import Money, Value

_CENT = Decimal("0.01")


class MoneyFigure(Value):
    """An amount, or the reason why there is none."""

    value: Money | None = None
    reason: str | None = None


def times(price: Money, quantity: Decimal) -> Money:
    """Multiply a price, to the cent (half to even)."""
    return Money(
        amount=(price.amount * quantity).quantize(_CENT, ROUND_HALF_EVEN), currency=price.currency
    )


def total(amounts: Iterable[Money], currency: str) -> MoneyFigure:
    """Add amounts up; `currency` is that of an empty sum. Currencies are never converted."""
    listed = [money for money in amounts if money.amount]
    currencies = sorted({money.currency for money in listed}) or [currency]
    if len(currencies) > 1:
        return MoneyFigure(reason=f"amounts in {' and '.join(currencies)} cannot be added")
    amount = sum((money.amount for money in listed), Decimal(0))
    return MoneyFigure(value=Money(amount=amount, currency=currencies[0]))
