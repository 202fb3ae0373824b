"""Problems and permanent fixes, as the newest of their events says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.likeness import terms_of
from mejora_diagnosis.store import likeness
from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.problems import Problem
from mejora_events.ids import FixId, ProblemId
from mejora_events.sql import Row, row, rows, run

_TAKE_PROBLEMS = """
insert into problem (problem_id, version, signature_id, state, title, cause,
                     true_failure_point, true_scope, cause_established_at, terms)
select problem_id, version, signature_id, state, title, cause, true_failure_point, true_scope,
       cause_established_at, string_to_array(terms, ' ')
from unnest(cast(:problem_ids as uuid[]), cast(:versions as integer[]),
            cast(:signature_ids as text[]), cast(:states as text[]), cast(:titles as text[]),
            cast(:causes as text[]), cast(:true_failure_points as text[]),
            cast(:true_scopes as text[]), cast(:established_at as timestamptz[]),
            cast(:terms as text[]))
     as p (problem_id, version, signature_id, state, title, cause, true_failure_point, true_scope,
           cause_established_at, terms)
order by p.problem_id
on conflict (problem_id) do update
set version = excluded.version, signature_id = excluded.signature_id, state = excluded.state,
    title = excluded.title, cause = excluded.cause,
    true_failure_point = excluded.true_failure_point, true_scope = excluded.true_scope,
    cause_established_at = excluded.cause_established_at, terms = excluded.terms
where problem.version < excluded.version
"""

_TAKE_FIXES = """
insert into fix (fix_id, version, problem_id, signature_id, component, state, carried_by,
                 deployed_at, verified_at)
select *
from unnest(cast(:fix_ids as uuid[]), cast(:versions as integer[]), cast(:problem_ids as uuid[]),
            cast(:signature_ids as text[]), cast(:components as text[]), cast(:states as text[]),
            cast(:carried_by as text[]), cast(:deployed_at as timestamptz[]),
            cast(:verified_at as timestamptz[])) as f (fix_id)
order by f.fix_id
on conflict (fix_id) do update
set version = excluded.version, signature_id = excluded.signature_id,
    component = excluded.component, state = excluded.state, carried_by = excluded.carried_by,
    deployed_at = excluded.deployed_at, verified_at = excluded.verified_at
where fix.version < excluded.version
"""

_STANDING = """
select problem_id, version, true_failure_point, true_scope, cause_established_at, terms
from problem where problem_id = any(cast(:problem_ids as uuid[]))
"""

_PROBLEM_OF = """
select problem_id from problem where signature_id = :signature_id
order by (state = 'resolved'), problem_id desc
limit 1
"""

_VERIFIED_AT = "select max(verified_at) as verified_at from fix where signature_id = :signature_id"


@dataclass(frozen=True, slots=True)
class News:
    """What events say of problems that was not known before."""

    problems: tuple[Problem, ...]
    """Those that are newer than what is known."""
    explained: frozenset[str]
    """The faults of those whose root cause says something else than before."""
    reworded: Mapping[ProblemId, tuple[str, ...]]
    """Those that are found by other terms from now on."""


async def news_of(conn: AsyncConnection, problems: Iterable[Problem]) -> News:
    """Tell what is new in problems."""
    newest: dict[ProblemId, Problem] = {}
    for it in problems:
        if it.problem_id not in newest or newest[it.problem_id].version < it.version:
            newest[it.problem_id] = it
    known = {it["problem_id"]: it for it in await rows(conn, _STANDING, problem_ids=list(newest))}
    told = tuple(
        it
        for it in newest.values()
        if it.problem_id not in known or known[it.problem_id]["version"] < it.version
    )
    return News(
        problems=told,
        explained=frozenset(
            it.signature_id for it in told if _explains_more(it, known.get(it.problem_id))
        ),
        reworded={
            it.problem_id: _terms(it)
            for it in told
            if it.problem_id not in known or tuple(known[it.problem_id]["terms"]) != _terms(it)
        },
    )


def _explains_more(problem: Problem, known: Row | None) -> bool:
    if problem.root_cause is None:
        return False
    columns = ("true_failure_point", "true_scope", "cause_established_at")
    return known is None or _cause(problem) != tuple(known[column] for column in columns)


def _cause(problem: Problem) -> tuple[str | None, str | None, datetime | None]:
    cause = problem.root_cause
    return (cause.failure_point, cause.scope, cause.established_at) if cause else (None,) * 3


def _terms(problem: Problem) -> tuple[str, ...]:
    return terms_of(problem.title, problem.template, problem.component)


async def take_problems(conn: AsyncConnection, news: News) -> None:
    """Take over what is new of problems; with other terms, the turn must have been taken."""
    taken = news.problems
    if not taken:
        return
    causes = [_cause(it) for it in taken]
    await run(
        conn,
        _TAKE_PROBLEMS,
        problem_ids=[it.problem_id for it in taken],
        versions=[it.version for it in taken],
        signature_ids=[it.signature_id for it in taken],
        states=[it.state for it in taken],
        titles=[it.title for it in taken],
        causes=[it.root_cause.statement if it.root_cause else None for it in taken],
        true_failure_points=[failure_point for failure_point, _, _ in causes],
        true_scopes=[scope for _, scope, _ in causes],
        established_at=[established_at for _, _, established_at in causes],
        terms=[" ".join(_terms(it)) for it in taken],
    )
    if news.reworded:
        await likeness.reword(conn, news.reworded)


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
        components=[it.component for it in taken],
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
