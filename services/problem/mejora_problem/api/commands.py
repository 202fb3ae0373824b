"""What people tell the problem service to do; each function is one transaction's work."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from mejora_events.contracts.fixes import Fix, FixState
from mejora_events.contracts.problems import Action, Problem, RootCause
from mejora_events.ids import ActionId, FixId, ProblemId, new_id
from mejora_events.store import Work
from mejora_problem.api.bodies import (
    ActionDone,
    ActionPlanned,
    FixDeployedByHand,
    FixPlan,
    ProblemByHand,
    RootCauseFound,
)
from mejora_problem.model.case import Case
from mejora_problem.model.fixes import Deployment, as_of
from mejora_problem.model.opening import ByHand
from mejora_problem.model.settling import problem_as_of
from mejora_problem.reactions.settling import Touch, settle_all
from mejora_problem.store import cases, copies, occurrences, promises, views
from mejora_service.errors import Conflict, Invalid, NotFound

_CLOCKS_DIFFER = timedelta(minutes=1)


async def open_problem(work: Work, body: ProblemByHand) -> Problem:
    """Open a problem by hand; raises Conflict if its signature has one."""
    opened_at = body.opened_at or work.now
    _not_in_the_future(work, "opened_at", body.opened_at)
    signature_id = await _signature(work, body)
    await cases.lock_signatures(work.conn, [signature_id])
    existing = await views.problems_of(work.conn, [signature_id])
    if existing:
        problem_id = existing[signature_id].problem_id
        raise Conflict(
            f"The fault {signature_id} has a problem already: {problem_id}.",
            advice=f"See GET /problem/v1/problems/{problem_id} and go on with that one.",
        )
    by_hand = ByHand(
        opened_at=opened_at,
        opened_by=work.actor,
        title=body.title,
        component=body.component,
        owner=body.owner,
        priority=body.priority,
    )
    return await _settled(work, signature_id, lambda case: replace(case, by_hand=by_hand))


async def _signature(work: Work, body: ProblemByHand) -> str:
    if body.incident_id:
        found = await occurrences.signature_of(work.conn, body.incident_id)
        if found is None:
            raise NotFound(
                f"No diagnosis of the incident {body.incident_id} has been heard of.",
                advice="Wait for its diagnosis, or leave `incident_id` out.",
            )
        if body.signature_id and body.signature_id != found:
            raise Invalid(
                f"The incident {body.incident_id} is of the fault {found}.",
                advice="Give `incident_id` or `signature_id`, not both.",
            )
        return found
    return body.signature_id or f"by-hand:{new_id(body.opened_at)}"


async def find_root_cause(work: Work, problem_id: ProblemId, body: RootCauseFound) -> Problem:
    """Establish, or correct, why it failed."""
    _not_in_the_future(work, "established_at", body.established_at)
    cause = RootCause(
        statement=body.statement,
        cause_class=body.cause_class,
        five_whys=body.five_whys,
        cause_and_effect=body.cause_and_effect,
        failure_point=body.failure_point,
        scope=body.scope,
        established_at=body.established_at or work.now,
        established_by=work.actor,
    )
    signature_id = await _locked(work, problem_id)
    return await _settled(work, signature_id, lambda case: replace(case, root_cause=cause))


async def plan_action(work: Work, problem_id: ProblemId, body: ActionPlanned) -> Action:
    """Add a step to a problem's plan."""
    signature_id = await _locked(work, problem_id)
    action = Action(
        action_id=ActionId(new_id(work.now)),
        description=body.description,
        owner=body.owner,
        due_at=body.due_at,
    )
    await promises.write_action(work.conn, action, problem_id, signature_id)
    problem = await _settled(work, signature_id)
    return _action(problem, action.action_id)


async def finish_action(
    work: Work, problem_id: ProblemId, action_id: ActionId, body: ActionDone
) -> Action:
    """Say that a step is done; saying it twice changes nothing."""
    _not_in_the_future(work, "done_at", body.done_at)
    signature_id = await _locked(work, problem_id)
    problem = (await views.problems_of(work.conn, [signature_id]))[signature_id]
    action = _action(problem, action_id)
    if action.done_at is None:
        done = action.model_copy(update={"done_at": body.done_at or work.now})
        await promises.write_action(work.conn, done, problem_id, signature_id)
        problem = await _settled(work, signature_id)
    return _action(problem, action_id)


async def plan_fix(work: Work, problem_id: ProblemId, body: FixPlan) -> Fix:
    """Plan a permanent fix; if a recorded change carries it, it is deployed at once."""
    _not_in_the_future(work, "planned_at", body.planned_at)
    found = await views.problem_by_id(work.conn, problem_id)
    if found is None:
        raise _no_problem(problem_id)
    component = body.component or found.component
    await copies.hold_components(work.conn, [component])
    signature_id = await _locked(work, problem_id)
    planned_at = body.planned_at or work.now
    fix = Fix(
        fix_id=FixId(new_id(planned_at)),
        problem_id=problem_id,
        version=0,
        state=FixState.PLANNED,
        signature_id=signature_id,
        component=component,
        description=body.description,
        owner=body.owner or found.owner or _owner_missing(),
        carried_by=body.carried_by,
        estimated_cost=body.estimated_cost,
        planned_at=planned_at,
        due_at=body.due_at,
    )
    await promises.plan_fix(work.conn, fix)
    await _settled(work, signature_id)
    return await _fix(work, fix.fix_id)


def _owner_missing() -> str:
    raise Invalid(
        "The problem has no owner, so the fix needs one.",
        advice="Give `owner`: the role that promises this fix.",
    )


async def deploy_fix(work: Work, fix_id: FixId, body: FixDeployedByHand) -> Fix:
    """Say that a fix is in place; the verdict comes at once if its window is over already."""
    _not_in_the_future(work, "deployed_at", body.deployed_at)
    signature_id = await promises.signature_of_fix(work.conn, fix_id)
    if signature_id is None:
        raise NotFound(
            f"No permanent fix has the id {fix_id}.",
            advice="See the `fixes` of GET /problem/v1/problems/{problem_id}.",
        )
    await cases.lock_signatures(work.conn, [signature_id])
    deployment = Deployment(
        at=body.deployed_at or work.now, places=tuple(sorted(set(body.deployed_to)))
    )
    await promises.say_deployed(work.conn, fix_id, deployment, work.actor, work.now)
    await _settled(work, signature_id)
    return await _fix(work, fix_id)


async def _locked(work: Work, problem_id: ProblemId) -> str:
    """Lock a problem's signature and name it; raises NotFound."""
    signature_id = await promises.signature_of_problem(work.conn, problem_id)
    if signature_id is None:
        raise _no_problem(problem_id)
    await cases.lock_signatures(work.conn, [signature_id])
    return signature_id


async def _settled(
    work: Work, signature_id: str, alter: Callable[[Case], Case] = lambda case: case
) -> Problem:
    await settle_all(work, {signature_id: Touch()}, alter)
    problem = (await views.problems_of(work.conn, [signature_id]))[signature_id]
    return problem_as_of(problem, work.now)


async def _fix(work: Work, fix_id: FixId) -> Fix:
    fix = await views.fix_by_id(work.conn, fix_id)
    if fix is None:
        raise LookupError(f"the fix {fix_id} was written and is gone")
    return as_of(fix, work.now)


def _action(problem: Problem, action_id: ActionId) -> Action:
    for action in problem.actions:
        if action.action_id == action_id:
            return action
    raise NotFound(
        f"The problem {problem.problem_id} has no action {action_id}.",
        advice=f"See the `actions` of GET /problem/v1/problems/{problem.problem_id}.",
    )


def _no_problem(problem_id: UUID) -> NotFound:
    return NotFound(
        f"No problem has the id {problem_id}.", advice="List them with GET /problem/v1/problems."
    )


def _not_in_the_future(work: Work, name: str, at: datetime | None) -> None:
    if at and at > work.now + _CLOCKS_DIFFER:
        raise Invalid(f"`{name}` lies in the future.", advice="Say it when it has happened.")
