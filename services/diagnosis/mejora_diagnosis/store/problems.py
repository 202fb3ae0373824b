"""Problems and permanent fixes, as the newest of their events says."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.problems import Problem
from mejora_events.ids import FixId, ProblemId
from mejora_events.sql import row, run

_TAKE_PROBLEMS = """
insert into problem (problem_id, version, signature_id, state, title, cause)
select *
from unnest(cast(:problem_ids as uuid[]), cast(:versions as integer[]),
            cast(:signature_ids as text[]), cast(:states as text[]), cast(:titles as text[]),
            cast(:causes as text[])) as p (problem_id)
order by p.problem_id
on conflict (problem_id) do update
set version = excluded.version, signature_id = excluded.signature_id, state = excluded.state,
    title = excluded.title, cause = excluded.cause
where problem.version < excluded.version
"""

_TAKE_FIXES = """
insert into fix (fix_id, version, problem_id, signature_id, state, carried_by, deployed_at,
                 verified_at)
select *
from unnest(cast(:fix_ids as uuid[]), cast(:versions as integer[]), cast(:problem_ids as uuid[]),
            cast(:signature_ids as text[]), cast(:states as text[]),
            cast(:carried_by as text[]), cast(:deployed_at as timestamptz[]),
            cast(:verified_at as timestamptz[])) as f (fix_id)
order by f.fix_id
on conflict (fix_id) do update
set version = excluded.version, signature_id = excluded.signature_id, state = excluded.state,
    carried_by = excluded.carried_by, deployed_at = excluded.deployed_at,
    verified_at = excluded.verified_at
where fix.version < excluded.version
"""

_PROBLEM_OF = """
select problem_id from problem where signature_id = :signature_id
order by (state = 'resolved'), problem_id desc
limit 1
"""

_VERIFIED_AT = "select max(verified_at) as verified_at from fix where signature_id = :signature_id"


async def take_problems(conn: AsyncConnection, problems: Iterable[Problem]) -> None:
    """Take problems over, where they are newer than what is known."""
    newest: dict[ProblemId, Problem] = {}
    for it in problems:
        if it.problem_id not in newest or newest[it.problem_id].version < it.version:
            newest[it.problem_id] = it
    taken = list(newest.values())
    await run(
        conn,
        _TAKE_PROBLEMS,
        problem_ids=list(newest),
        versions=[it.version for it in taken],
        signature_ids=[it.signature_id for it in taken],
        states=[it.state for it in taken],
        titles=[it.title for it in taken],
        causes=[it.root_cause.statement if it.root_cause else None for it in taken],
    )


async def take_fixes(conn: AsyncConnection, fixes: Iterable[Fix]) -> None:
    """Take permanent fixes over, where they are newer than what is known."""
    newest: dict[FixId, Fix] = {}
    for it in fixes:
        if it.fix_id not in newest or newest[it.fix_id].version < it.version:
            newest[it.fix_id] = it
    taken = list(newest.values())
    await run(
        conn,
        _TAKE_FIXES,
        fix_ids=list(newest),
        versions=[it.version for it in taken],
        problem_ids=[it.problem_id for it in taken],
        signature_ids=[it.signature_id for it in taken],
        states=[it.state for it in taken],
        carried_by=[it.carried_by for it in taken],
        deployed_at=[it.deployed_at for it in taken],
        verified_at=[it.verified_at for it in taken],
    )


async def problem_of(conn: AsyncConnection, signature_id: str) -> ProblemId | None:
    """Give the problem of a fault; one that is not resolved before one that is."""
    found = await row(conn, _PROBLEM_OF, signature_id=signature_id)
    return ProblemId(found["problem_id"]) if found else None


async def verified_at(conn: AsyncConnection, signature_id: str) -> datetime | None:
    """Tell when a permanent fix of a fault was last verified, if one was."""
    found = await row(conn, _VERIFIED_AT, signature_id=signature_id)
    return found["verified_at"] if found else None
