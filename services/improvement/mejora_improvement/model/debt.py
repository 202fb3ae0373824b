"""Patch debt as an indicator: what living with the open workarounds costs (DESIGN section 7).

The problem service keeps the ledger, entry by entry; this is the sum over it at the end of a
period, by the same rules and from the same events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mejora_events.contracts.base import Money, Time, Value
from mejora_improvement.model.money import summed, times
from mejora_improvement.model.period import MONTH


@dataclass(frozen=True, slots=True)
class LivingOnPatch:
    """A signature that lives on at least one open workaround."""

    signature_id: str
    open_workarounds: int
    oldest_open_at: datetime
    first_incident_at: datetime | None
    incidents: int
    recurrences: int
    """Incidents that started after the first workaround that worked was applied."""
    cost: tuple[Money, ...] | None = ()
    """What all its incidents have cost; None when lost service of one has no price."""
    interest: tuple[Money, ...] | None = ()
    """What its recurrences have cost; None when lost service of one has no price."""
    principal: Money | None = None
    """What the permanent fix is estimated to cost."""


class PatchDebt(Value):
    """The open workarounds at the end of the period, and what they cost."""

    kind: Literal["debt"] = "debt"
    open_workarounds: int
    signatures: int
    oldest_applied_at: Time | None
    oldest_age_seconds: float | None
    recurrences: int
    interest: tuple[Money, ...]
    """The sum over the signatures whose interest is known, in each currency."""
    interest_unknown: int
    """Signatures with a recurrence whose lost service has no price."""
    expected_recurrences_per_month: float | None
    expected_cost_per_month: tuple[Money, ...]
    past_break_even: int
    """Signatures whose interest has overtaken what the permanent fix is estimated to cost."""
    without_estimate: int
    """Signatures of which nobody has said what a permanent fix would cost."""
    reason: str | None


def patch_debt(living: Sequence[LivingOnPatch], at: datetime) -> PatchDebt:
    """Sum the debt of everything that lives on a workaround at a time."""
    oldest = min((patch.oldest_open_at for patch in living), default=None)
    rates = [rate for patch in living if (rate := recurrences_per_month(patch, at)) is not None]
    return PatchDebt(
        open_workarounds=sum(patch.open_workarounds for patch in living),
        signatures=len(living),
        oldest_applied_at=oldest,
        oldest_age_seconds=(at - oldest).total_seconds() if oldest else None,
        recurrences=sum(patch.recurrences for patch in living),
        interest=summed(money for patch in living for money in patch.interest or ()),
        interest_unknown=sum(patch.interest is None for patch in living),
        expected_recurrences_per_month=sum(rates) if rates else None,
        expected_cost_per_month=summed(
            money for patch in living for money in cost_per_month(patch, at)
        ),
        past_break_even=sum(is_past_break_even(patch) for patch in living),
        without_estimate=sum(patch.principal is None for patch in living),
        reason=None if living else "No workaround was open at the end of the period.",
    )


def recurrences_per_month(patch: LivingOnPatch, at: datetime) -> float | None:
    """Give the Gamma–Poisson posterior mean of the rate: (m + ½) ÷ T, None without an exposure.

    m recurrences in T months since the first incident, with the Jeffreys prior Gamma(½, 0):
    Atwood et al., NUREG/CR-6823 (2003), section 6.2.2.
    """
    if patch.first_incident_at is None or at <= patch.first_incident_at:
        return None
    return (patch.incidents - 1 + 0.5) / ((at - patch.first_incident_at) / MONTH)


def cost_per_month(patch: LivingOnPatch, at: datetime) -> tuple[Money, ...]:
    """Give the expected recurrences × the mean cost of one: of the recurrences, or else of all."""
    rate = recurrences_per_month(patch, at)
    cases, paid = (
        (patch.recurrences, patch.interest) if patch.recurrences else (patch.incidents, patch.cost)
    )
    return () if rate is None or not paid else times(paid, rate / cases)


def is_past_break_even(patch: LivingOnPatch) -> bool:
    """Tell whether not fixing has cost more than fixing; only like currencies are compared."""
    principal = patch.principal
    if principal is None or patch.interest is None:
        return False
    paid = [money for money in patch.interest if money.currency == principal.currency]
    return any(money.amount > principal.amount for money in paid)
