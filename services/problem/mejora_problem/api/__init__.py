"""The routes of the problem service, below `/problem`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.problems import Action, Problem, ProblemState
from mejora_events.ids import ActionId, FixId, ProblemId
from mejora_problem.api import commands, reports
from mejora_problem.api.bodies import (
    ActionDone,
    ActionPlanned,
    FixDeployedByHand,
    FixPlan,
    KnownErrorView,
    ProblemByHand,
    ProblemDetail,
    RootCauseFound,
)
from mejora_problem.model.patches import Ledger
from mejora_problem.model.settling import problem_as_of
from mejora_problem.store import views
from mejora_service.errors import NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, reading

router = APIRouter()

Operating = Annotated[Command, Depends(operating)]
Asking = Annotated[Reading, Depends(reading)]
Paged = Annotated[PageQuery, Depends()]


@router.get("/v1/problems")
async def list_problems(
    query: Asking,
    page: Paged,
    state: ProblemState | None = None,
    component: Annotated[str | None, Query(max_length=255)] = None,
) -> Page[Problem]:
    """List problems, the newest first."""
    async with query.conn() as conn:
        found = await views.list_problems(
            conn,
            after=page.after,
            limit=page.fetch,
            state=state.value if state else None,
            component=component,
        )
    now = query.clock.now()
    return page.of([problem_as_of(one, now) for one in found], id_of=lambda one: one.problem_id)


@router.post("/v1/problems", status_code=201)
async def open_problem(body: ProblemByHand, command: Operating) -> Problem:
    """Open a problem by hand."""
    return await command.run(lambda work: commands.open_problem(work, body))


@router.get("/v1/problems/{problem_id}")
async def show_problem(problem_id: ProblemId, query: Asking) -> ProblemDetail:
    """Show a problem with its fixes, workarounds, incidents, escalations and debt."""
    async with query.conn() as conn:
        found = await reports.problem_whole(
            conn, problem_id, query.settings.labour_rate_per_hour, query.clock.now()
        )
    if found is None:
        raise NotFound(
            f"No problem has the id {problem_id}.",
            advice="List them with GET /problem/v1/problems.",
        )
    return found


@router.post("/v1/problems/{problem_id}/root-cause")
async def find_root_cause(
    problem_id: ProblemId, body: RootCauseFound, command: Operating
) -> Problem:
    """Establish, or correct, the root cause."""
    return await command.run(lambda work: commands.find_root_cause(work, problem_id, body))


@router.post("/v1/problems/{problem_id}/actions", status_code=201)
async def plan_action(problem_id: ProblemId, body: ActionPlanned, command: Operating) -> Action:
    """Add a step to the plan."""
    return await command.run(lambda work: commands.plan_action(work, problem_id, body))


@router.post("/v1/problems/{problem_id}/actions/{action_id}/done")
async def finish_action(
    problem_id: ProblemId,
    action_id: ActionId,
    command: Operating,
    body: ActionDone | None = None,
) -> Action:
    """Say that a step is done."""
    return await command.run(
        lambda work: commands.finish_action(work, problem_id, action_id, body or ActionDone())
    )


@router.post("/v1/problems/{problem_id}/fixes", status_code=201)
async def plan_fix(problem_id: ProblemId, body: FixPlan, command: Operating) -> Fix:
    """Plan a permanent fix; it is deployed when the change that carries it is recorded."""
    return await command.run(lambda work: commands.plan_fix(work, problem_id, body))


@router.post("/v1/fixes/{fix_id}/deployed")
async def deploy_fix(
    fix_id: FixId, command: Operating, body: FixDeployedByHand | None = None
) -> Fix:
    """Say that a fix is in place; the answer announces how long it will be observed.

    The path is `/problem/v1/fixes/{fix_id}/deployed`: a fix has an id of its own, so that whoever
    deploys it need not know its problem.
    """
    return await command.run(
        lambda work: commands.deploy_fix(work, fix_id, body or FixDeployedByHand())
    )


@router.get("/v1/known-errors")
async def list_known_errors(query: Asking, page: Paged) -> Page[KnownErrorView]:
    """List problems whose cause is known and that have a workaround that worked."""
    async with query.conn() as conn:
        found = await reports.known_errors(conn, page.after, page.fetch, query.clock.now())
    return page.of(found, id_of=lambda one: one.problem_id)


@router.get("/v1/debt")
async def show_debt(query: Asking) -> Ledger:
    """Show what living on workarounds costs, the costliest first."""
    async with query.conn() as conn:
        return await reports.debt_ledger(
            conn, query.settings.labour_rate_per_hour, query.clock.now()
        )
