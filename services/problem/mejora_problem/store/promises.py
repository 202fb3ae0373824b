"""Plans and promises: actions, fixes, deployments that people tell of, what is due, who was asked.

All of it is written under the lock of its signature.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.fixes import Fix, FixState
from mejora_events.contracts.problems import Action
from mejora_events.contracts.workarounds import WorkaroundState
from mejora_events.ids import FixId, ProblemId
from mejora_events.sql import as_json, from_json, row, rows, run
from mejora_problem.model.escalation import Escalation, Promise, Promised
from mejora_problem.model.fixes import Deployment

_WRITE_ACTION = """
insert into action (action_id, problem_id, signature_id, due_at, done_at, body)
values (:action_id, :problem_id, :signature_id, :due_at, :done_at, cast(:body as jsonb))
on conflict (action_id) do update set done_at = excluded.done_at, body = excluded.body
"""

_PLAN_FIX = """
insert into fix (fix_id, problem_id, signature_id, state, component, carried_by, due_at, body)
values (:fix_id, :problem_id, :signature_id, :state, :component, :carried_by, :due_at,
        cast(:body as jsonb))
"""

_SAY_DEPLOYED = """
insert into said_deployment (fix_id, deployed_at, places, said_by, said_at)
values (:fix_id, :deployed_at, cast(:places as text[]), :said_by, :said_at)
"""

_SIGNATURE_OF_PROBLEM = "select signature_id from problem where problem_id = :problem_id"

_SIGNATURE_OF_FIX = "select signature_id from fix where fix_id = :fix_id"

# The signatures of fixes whose window has ended and that have no verdict yet, oldest first.
_VERDICTS_DUE = """
select signature_id from fix
where state = :observed and observe_until <= :now
order by observe_until
limit :limit
"""

# The signatures whose fixes, of these, are deployed.
_DEPLOYED_SIGNATURES = """
select distinct signature_id from fix
where signature_id = any(cast(:signature_ids as text[])) and state <> :planned
"""

# What is overdue in problems, of all signatures or of those given.
_OVERDUE = """
select d.kind, d.promise_id, d.what, d.owner, d.due_at, p.signature_id
from (
    select 'action' as kind, a.action_id as promise_id, a.body ->> 'description' as what,
           a.body ->> 'owner' as owner, a.due_at, a.signature_id
    from action a where a.done_at is null and a.due_at < :now
    union all
    select 'fix', f.fix_id, f.body ->> 'description', f.body ->> 'owner', f.due_at, f.signature_id
    from fix f where f.state = :planned and f.due_at < :now
    union all
    select 'workaround', w.workaround_id, w.body ->> 'description', w.body ->> 'owner', w.due_at,
           w.signature_id
    from workaround w where w.state = :applied and w.due_at < :now
) as d
join problem p using (signature_id)
where cast(:signature_ids as text[]) is null
   or d.signature_id = any(cast(:signature_ids as text[]))
order by d.due_at, d.promise_id
"""

_STEPS_TAKEN = """
select body from escalation where promise_id = any(cast(:promise_ids as uuid[]))
"""

_STEPS_OF_PROBLEM = """
select body from escalation where problem_id = :problem_id order by body ->> 'escalated_at'
"""

_TAKE_STEPS = """
insert into escalation (promise_id, due_at, step, problem_id, body)
select n.promise_id, n.due_at, n.step, n.problem_id, cast(n.body as jsonb)
from unnest(cast(:promise_ids as uuid[]), cast(:due_at as timestamptz[]), cast(:steps as text[]),
            cast(:problem_ids as uuid[]), cast(:bodies as text[]))
     as n (promise_id, due_at, step, problem_id, body)
"""


async def write_action(
    conn: AsyncConnection, action: Action, problem_id: ProblemId, signature_id: str
) -> None:
    """Write an action of a problem's plan."""
    await run(
        conn,
        _WRITE_ACTION,
        action_id=action.action_id,
        problem_id=problem_id,
        signature_id=signature_id,
        due_at=action.due_at,
        done_at=action.done_at,
        body=as_json(action),
    )


async def plan_fix(conn: AsyncConnection, fix: Fix) -> None:
    """Write a fix that was planned just now; its version is 0 until it is told of."""
    await run(
        conn,
        _PLAN_FIX,
        fix_id=fix.fix_id,
        problem_id=fix.problem_id,
        signature_id=fix.signature_id,
        state=fix.state.value,
        component=fix.component,
        carried_by=fix.carried_by,
        due_at=fix.due_at,
        body=as_json(fix),
    )


async def say_deployed(
    conn: AsyncConnection, fix_id: FixId, deployment: Deployment, by: str, now: datetime
) -> None:
    """Write that somebody said that a fix is in place."""
    await run(
        conn,
        _SAY_DEPLOYED,
        fix_id=fix_id,
        deployed_at=deployment.at,
        places=list(deployment.places),
        said_by=by,
        said_at=now,
    )


async def signature_of_problem(conn: AsyncConnection, problem_id: ProblemId) -> str | None:
    """Tell a problem's signature."""
    found = await row(conn, _SIGNATURE_OF_PROBLEM, problem_id=problem_id)
    return found["signature_id"] if found else None


async def signature_of_fix(conn: AsyncConnection, fix_id: FixId) -> str | None:
    """Tell the signature that a fix is for."""
    found = await row(conn, _SIGNATURE_OF_FIX, fix_id=fix_id)
    return found["signature_id"] if found else None


async def verdicts_due(conn: AsyncConnection, now: datetime, limit: int) -> set[str]:
    """Name signatures of fixes whose window has ended without a verdict yet."""
    found = await rows(conn, _VERDICTS_DUE, observed=FixState.OBSERVED.value, now=now, limit=limit)
    return {one["signature_id"] for one in found}


async def deployed_among(conn: AsyncConnection, signature_ids: Iterable[str]) -> set[str]:
    """Name those of these signatures that have a fix in place."""
    found = await rows(
        conn,
        _DEPLOYED_SIGNATURES,
        signature_ids=sorted(set(signature_ids)),
        planned=FixState.PLANNED.value,
    )
    return {one["signature_id"] for one in found}


async def overdue(
    conn: AsyncConnection, now: datetime, signature_ids: Iterable[str] | None = None
) -> list[tuple[str, Promise]]:
    """Give what is overdue in problems, each with its signature."""
    found = await rows(
        conn,
        _OVERDUE,
        now=now,
        planned=FixState.PLANNED.value,
        applied=WorkaroundState.APPLIED.value,
        signature_ids=None if signature_ids is None else sorted(set(signature_ids)),
    )
    return [
        (
            one["signature_id"],
            Promise(
                Promised(one["kind"]), one["promise_id"], one["what"], one["owner"], one["due_at"]
            ),
        )
        for one in found
    ]


async def steps_taken(conn: AsyncConnection, promise_ids: Iterable[UUID]) -> list[Escalation]:
    """Give the steps that were taken for these promises."""
    found = await rows(conn, _STEPS_TAKEN, promise_ids=sorted(set(promise_ids)))
    return [Escalation.model_validate(from_json(one["body"])) for one in found]


async def steps_of_problem(conn: AsyncConnection, problem_id: ProblemId) -> list[Escalation]:
    """Give the steps that were taken for a problem, oldest first."""
    found = await rows(conn, _STEPS_OF_PROBLEM, problem_id=problem_id)
    return [Escalation.model_validate(from_json(one["body"])) for one in found]


async def take_steps(conn: AsyncConnection, steps: Sequence[tuple[ProblemId, Escalation]]) -> None:
    """Write that these steps are taken."""
    await run(
        conn,
        _TAKE_STEPS,
        promise_ids=[step.promise_id for _, step in steps],
        due_at=[step.due_at for _, step in steps],
        steps=[step.step.value for _, step in steps],
        problem_ids=[problem_id for problem_id, _ in steps],
        bodies=[as_json(step) for _, step in steps],
    )
