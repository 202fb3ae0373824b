"""Availability against what was promised: per customer, contract and process.

What is promised is the whole period. A minute counts as lost when at least one incident that
affects the process was failing in it: overlapping incidents are counted once (their union), and
an incident that came and went within the flap window counts as failing throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mejora_events.contracts.base import Value
from mejora_improvement.model.period import Period


@dataclass(frozen=True, slots=True)
class Lost:
    """Seconds in which a contract's process was failing; no process: any of the contract's;

    no contract: any of the customer's.
    """

    customer: str
    contract: str | None
    process: str | None
    promised_share: float | None
    lost_seconds: float


class Served(Value):
    """How much of a period a customer, contract or process had service."""

    customer: str
    contract: str | None
    process: str | None
    promised_seconds: float
    lost_seconds: float
    value: float
    """(promised − lost) ÷ promised."""
    promised_share: float | None
    """The availability that the contract names."""
    kept: bool | None
    """Whether it was kept; empty where the contract names none."""


class Availability(Value):
    """How much of the time promised there was service, for each that was promised some."""

    kind: Literal["availability"] = "availability"
    unit: Literal["share"] = "share"
    items: tuple[Served, ...]
    reason: str | None


def availability(period: Period, lost: Sequence[Lost]) -> Availability:
    """Give the availability of everything that a contract promises."""
    return Availability(
        items=tuple(_served(period, each) for each in lost),
        reason=None if lost else "The catalogue has no contract that this is promised in.",
    )


def _served(period: Period, lost: Lost) -> Served:
    promised = period.seconds
    value = (promised - lost.lost_seconds) / promised
    return Served(
        customer=lost.customer,
        contract=lost.contract,
        process=lost.process,
        promised_seconds=promised,
        lost_seconds=lost.lost_seconds,
        value=value,
        promised_share=lost.promised_share,
        kept=None if lost.promised_share is None else value >= lost.promised_share,
    )
