"""What failures cost: lost service, handling and penalties, apart by who noticed first.

The three parts are those of patch debt's interest (a failure's lost minutes at what a minute
without the failure point costs, the minutes from acknowledged to restored at the labour rate, and
the lost minutes at each affected contract's penalty). In a cascade only the failure point's own
incident is charged with lost service and penalties, so that one failure is not paid for twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from mejora_events.contracts.base import Money, Origin, Value
from mejora_improvement.model.money import summed


class CostPart(StrEnum):
    """What a failure is paid for with."""

    LOST_SERVICE = "lost_service"
    HANDLING = "handling"
    PENALTY = "penalty"


@dataclass(frozen=True, slots=True)
class Charge:
    """What one part of failures noticed on one side came to, in one currency."""

    origin: Origin
    part: CostPart
    money: Money


@dataclass(frozen=True, slots=True)
class Noticed:
    """Incidents that one side noticed first."""

    origin: Origin
    incidents: int
    unpriced: int
    lost_seconds: float


class SideCost(Value):
    """What the failures that one side noticed first have cost."""

    incidents: int = 0
    unpriced: int = 0
    """Incidents that the catalogue gives no cost per minute for: their lost service is left out."""
    lost_seconds: float = 0.0
    lost_service: tuple[Money, ...] = ()
    handling: tuple[Money, ...] = ()
    penalties: tuple[Money, ...] = ()
    total: tuple[Money, ...] = ()


class CostOfFailure(Value):
    """Internal (noticed inside) and external (noticed by a customer), never added together."""

    kind: Literal["cost"] = "cost"
    unit: Literal["money"] = "money"
    internal: SideCost
    external: SideCost
    reason: str | None
    """Why there is no amount."""


def cost_of_failure(noticed: Sequence[Noticed], charges: Sequence[Charge]) -> CostOfFailure:
    """Add up what failures cost on each side."""
    sides = {
        origin: _side(
            next((side for side in noticed if side.origin is origin), None),
            [charge for charge in charges if charge.origin is origin],
        )
        for origin in Origin
    }
    return CostOfFailure(
        internal=sides[Origin.INTERNAL],
        external=sides[Origin.CUSTOMER],
        reason=_why_nothing(noticed, charges),
    )


def _side(noticed: Noticed | None, charges: Sequence[Charge]) -> SideCost:
    if noticed is None:
        return SideCost()

    def of(part: CostPart) -> tuple[Money, ...]:
        return summed(charge.money for charge in charges if charge.part is part)

    return SideCost(
        incidents=noticed.incidents,
        unpriced=noticed.unpriced,
        lost_seconds=noticed.lost_seconds,
        lost_service=of(CostPart.LOST_SERVICE),
        handling=of(CostPart.HANDLING),
        penalties=of(CostPart.PENALTY),
        total=summed(charge.money for charge in charges),
    )


def _why_nothing(noticed: Sequence[Noticed], charges: Sequence[Charge]) -> str | None:
    if charges:
        return None
    if not any(side.incidents for side in noticed):
        return "No incident ended in the period."
    return "The catalogue gives no cost for what failed in the period."
