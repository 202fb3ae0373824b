"""What the routes show."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.problems import Problem
from mejora_events.ids import FixId, ProblemId
from mejora_events.sql import from_json, row, rows

# Problems, newest first.
_LIST = """
select body from problem
where (cast(:after as uuid) is null or problem_id < :after)
  and (cast(:state as text) is null or state = :state)
  and (cast(:component as text) is null or component = :component)
order by problem_id desc
limit :limit
"""

_BY_ID = "select body from problem where problem_id = :problem_id"

_OF_SIGNATURES = """
select signature_id, body from problem where signature_id = any(cast(:signature_ids as text[]))
"""

_FIXES_OF_SIGNATURES = """
select signature_id, body from fix where signature_id = any(cast(:signature_ids as text[]))
order by fix_id
"""

_FIX_BY_ID = "select body from fix where fix_id = :fix_id"


async def list_problems(
    conn: AsyncConnection,
    *,
    after: UUID | None,
    limit: int,
    state: str | None = None,
    component: str | None = None,
) -> list[Problem]:
    """Give a page of problems, newest first."""
    found = await rows(conn, _LIST, after=after, limit=limit, state=state, component=component)
    return [Problem.model_validate(from_json(one["body"])) for one in found]


async def problem_by_id(conn: AsyncConnection, problem_id: ProblemId) -> Problem | None:
    """Give a problem."""
    found = await row(conn, _BY_ID, problem_id=problem_id)
    return Problem.model_validate(from_json(found["body"])) if found else None


async def problems_of(conn: AsyncConnection, signature_ids: Sequence[str]) -> dict[str, Problem]:
    """Give the problems of these signatures."""
    found = await rows(conn, _OF_SIGNATURES, signature_ids=signature_ids)
    return {one["signature_id"]: Problem.model_validate(from_json(one["body"])) for one in found}


async def fixes_of(conn: AsyncConnection, signature_ids: Sequence[str]) -> dict[str, list[Fix]]:
    """Give the permanent fixes of these signatures, in the order in which they were planned."""
    fixes: dict[str, list[Fix]] = {name: [] for name in signature_ids}
    for one in await rows(conn, _FIXES_OF_SIGNATURES, signature_ids=signature_ids):
        fixes[one["signature_id"]].append(Fix.model_validate(from_json(one["body"])))
    return fixes


async def fix_by_id(conn: AsyncConnection, fix_id: FixId) -> Fix | None:
    """Give a permanent fix."""
    found = await row(conn, _FIX_BY_ID, fix_id=fix_id)
    return Fix.model_validate(from_json(found["body"])) if found else None
