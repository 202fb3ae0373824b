"""What people ask the problem service: a problem whole, known errors, the debt ledger."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Money
from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.problems import ProblemState
from mejora_events.contracts.workarounds import Workaround
from mejora_events.ids import ProblemId
from mejora_problem.api.bodies import KnownErrorView, ProblemDetail
from mejora_problem.model.debt import Patched
from mejora_problem.model.fixes import as_of
from mejora_problem.model.occurrences import Fault
from mejora_problem.model.patches import (
    Ledger,
    LedgerEntry,
    entry_of,
    first_applied,
    ledger_of,
    tried,
)
from mejora_problem.model.settling import problem_as_of
from mejora_problem.store import copies, occurrences, promises, views

_LATEST = 100


async def problem_whole(
    conn: AsyncConnection, problem_id: ProblemId, labour: Money | None, now: datetime
) -> ProblemDetail | None:
    """Give a problem with all that belongs to it."""
    problem = await views.problem_by_id(conn, problem_id)
    if problem is None:
        return None
    name = problem.signature_id
    workarounds = (await copies.workarounds_of(conn, [name]))[name]
    fixes = (await views.fixes_of(conn, [name]))[name]
    entries = await _entries(conn, [name], labour, now) if workarounds else []
    return ProblemDetail(
        **dict(problem_as_of(problem, now)),
        fixes=tuple(as_of(fix, now) for fix in fixes),
        workarounds=tuple(workarounds),
        latest_incidents=await occurrences.latest_of(conn, name, _LATEST),
        escalations=tuple(await promises.steps_of_problem(conn, problem_id)),
        debt=entries[0] if entries else None,
    )


async def known_errors(
    conn: AsyncConnection, after: UUID | None, limit: int, now: datetime
) -> list[KnownErrorView]:
    """Give a page of known errors, each with the workarounds that were tried."""
    problems = await views.list_problems(
        conn, after=after, limit=limit, state=ProblemState.KNOWN_ERROR.value
    )
    workarounds = await copies.workarounds_of(conn, [one.signature_id for one in problems])
    return [
        KnownErrorView(
            **dict(problem_as_of(one, now)), workarounds=tried(workarounds[one.signature_id])
        )
        for one in problems
    ]


async def debt_ledger(conn: AsyncConnection, labour: Money | None, now: datetime) -> Ledger:
    """Draw up the ledger of everything that lives on workarounds."""
    names = await copies.patched_signatures(conn)
    return ledger_of(await _entries(conn, names, labour, now), now)


async def _entries(
    conn: AsyncConnection, names: Sequence[str], labour: Money | None, now: datetime
) -> list[LedgerEntry]:
    faults = await occurrences.faults_of(conn, names)
    workarounds = await copies.workarounds_of(conn, names)
    problems, fixes = await views.problems_of(conn, names), await views.fixes_of(conn, names)
    findings = [fault.finding for listed in faults.values() for fault in listed]
    prices = await copies.prices_of(
        conn,
        {finding.component for finding in findings},
        {contract for finding in findings for contract in finding.contracts},
        labour,
    )
    drawn = [
        entry_of(patched, problems.get(name), workarounds[name], prices, now)
        for name in names
        if (patched := _patched(faults[name], fixes[name], workarounds[name]))
    ]
    return [entry for entry in drawn if entry]


def _patched(
    faults: Sequence[Fault], fixes: Sequence[Fix], workarounds: Sequence[Workaround]
) -> Patched | None:
    since = first_applied(workarounds)
    return Patched(since, faults, fixes) if since else None
