"""Sums of money: never across currencies, never through floats."""

from collections.abc import Iterable
from decimal import Decimal

from mejora_events.contracts.base import Money

CENT = Decimal("0.01")


def summed(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """Add up what is in the same currency; to the cent, currencies in alphabetical order."""
    sums: dict[str, Decimal] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, Decimal(0)) + money.amount
    return tuple(
        Money(amount=amount.quantize(CENT), currency=currency)
        for currency, amount in sorted(sums.items())
    )


def times(amounts: Iterable[Money], factor: float) -> tuple[Money, ...]:
    """Multiply amounts, to the cent."""
    exact = Decimal(repr(factor))
    return tuple(
        Money(amount=(money.amount * exact).quantize(CENT), currency=money.currency)
        for money in amounts
    )
