"""Workarounds as patches: whether one worked, and the ledger of those that are still in use."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from mejora_events.contracts.base import Money, Time, Value
from mejora_events.contracts.problems import Problem
from mejora_events.contracts.workarounds import Workaround, WorkaroundState
from mejora_events.ids import IncidentId, ProblemId, WorkaroundId
from mejora_problem.model.costs import Prices
from mejora_problem.model.debt import Debt, Patched, debt_of


class Patch(Value):
    """A workaround in use."""

    workaround_id: WorkaroundId
    incident_id: IncidentId
    description: str
    owner: str
    applied_at: Time
    age_seconds: float
    promised_at: Time
    """When it must be gone."""
    overdue: bool
    promise_moves: int
    """How often that date was moved."""


class LedgerEntry(Debt):
    """A fault that lives on workarounds, and what that costs."""

    signature_id: str
    problem_id: ProblemId | None
    """Empty while the rules have opened no problem."""
    title: str
    component: str
    owner: str | None
    workarounds: tuple[Patch, ...]
    """Those in use, the oldest first."""
    age_seconds: float
    """Since the first workaround."""
    promised_at: Time
    """The earliest date by which one in use must be gone."""
    promise_moves: int


class Ledger(Value):
    """Everything that lives on workarounds, the costliest first."""

    as_of: Time
    open_workarounds: int
    oldest_since: Time | None
    interest: tuple[Money, ...]
    """The sum over the entries whose interest is known, in each currency."""
    past_break_even: int
    items: tuple[LedgerEntry, ...]


class KnownWorkaround(Value):
    """A workaround of a known error, and how often it worked."""

    description: str
    workaround_id: WorkaroundId
    """The application that is the newest."""
    tried: int
    worked: int


def worked(workaround: Workaround) -> bool:
    """Tell whether a workaround carried the service when it was applied."""
    return workaround.state is not WorkaroundState.FAILED and workaround.failed_at is None


def tried(workarounds: Iterable[Workaround]) -> tuple[KnownWorkaround, ...]:
    """Sum up the workarounds of a fault by what was done; the one that worked best comes first."""
    known: dict[str, list[Workaround]] = {}
    for one in sorted(workarounds, key=lambda one: (one.applied_at, one.workaround_id)):
        known.setdefault(one.description, []).append(one)
    summed = [
        KnownWorkaround(
            description=description,
            workaround_id=applications[-1].workaround_id,
            tried=len(applications),
            worked=sum(map(worked, applications)),
        )
        for description, applications in known.items()
    ]
    return tuple(sorted(summed, key=lambda one: (-one.worked / one.tried, -one.tried)))


def first_applied(workarounds: Iterable[Workaround]) -> datetime | None:
    """Tell since when a fault has been patched; a workaround that failed patched nothing."""
    return min((one.applied_at for one in workarounds if worked(one)), default=None)


def entry_of(
    patched: Patched,
    problem: Problem | None,
    workarounds: Sequence[Workaround],
    prices: Prices,
    now: datetime,
) -> LedgerEntry | None:
    """Draw up the entry of a fault, or None if it lives on no workaround now."""
    in_use = sorted(
        (one for one in workarounds if one.state is WorkaroundState.APPLIED),
        key=lambda one: (one.applied_at, one.workaround_id),
    )
    if not in_use:
        return None
    oldest = in_use[0]
    debt = debt_of(patched, prices, now)
    return LedgerEntry(
        **dict(debt),
        signature_id=oldest.signature_id,
        problem_id=problem.problem_id if problem else None,
        title=problem.title if problem else oldest.description,
        component=problem.component if problem else oldest.component,
        owner=problem.owner if problem and problem.owner else oldest.owner,
        workarounds=tuple(_patch(one, now) for one in in_use),
        age_seconds=max((now - patched.since).total_seconds(), 0.0),
        promised_at=min(one.due_at for one in in_use),
        promise_moves=sum(one.promise_moves for one in in_use),
    )


def _patch(one: Workaround, now: datetime) -> Patch:
    return Patch(
        workaround_id=one.workaround_id,
        incident_id=one.incident_id,
        description=one.description,
        owner=one.owner,
        applied_at=one.applied_at,
        age_seconds=max((now - one.applied_at).total_seconds(), 0.0),
        promised_at=one.due_at,
        overdue=one.due_at < now,
        promise_moves=one.promise_moves,
    )


def ledger_of(entries: Iterable[LedgerEntry], now: datetime) -> Ledger:
    """Order the entries by interest, the highest first; those without a figure come last."""
    listed = sorted(entries, key=_by_interest)
    sums: dict[str, Decimal] = {}
    for entry in listed:
        money = entry.interest.value
        if money:
            sums[money.currency] = sums.get(money.currency, Decimal(0)) + money.amount
    return Ledger(
        as_of=now,
        open_workarounds=sum(len(entry.workarounds) for entry in listed),
        oldest_since=min((entry.since for entry in listed), default=None),
        interest=tuple(
            Money(amount=amount, currency=currency) for currency, amount in sorted(sums.items())
        ),
        past_break_even=sum(entry.break_even.passed for entry in listed),
        items=tuple(listed),
    )


def _by_interest(entry: LedgerEntry) -> tuple[bool, Decimal, datetime]:
    interest = entry.interest.value
    return interest is None, -interest.amount if interest else Decimal(0), entry.since
