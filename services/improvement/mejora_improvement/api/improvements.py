"""`/v1/improvements`: the register, from proposed to realised."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from mejora_events.contracts.base import Money, Time
from mejora_events.contracts.improvements import Improvement, ImprovementEvent, ImprovementState
from mejora_events.ids import ImprovementId, ProblemId, new_id
from mejora_events.store import Work
from mejora_improvement.model import register
from mejora_improvement.model.comparison import Measurable
from mejora_improvement.model.period import BadPeriod, Period
from mejora_improvement.model.register import Draft, NotPossible
from mejora_improvement.store import register as store
from mejora_improvement.store.samples import sample, signature_of
from mejora_service.errors import Conflict, Invalid, NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, reading

router = APIRouter(tags=["improvements"])

Operating = Annotated[Command, Depends(operating)]
Name = Annotated[str, Field(min_length=1, max_length=300)]
Text = Annotated[str, Field(max_length=10_000)]


class Body(BaseModel):
    """What a command carries; a time that is given lets history be imported."""

    model_config = ConfigDict(extra="forbid")


class WindowBody(Body):
    """From (inclusive) to (exclusive)."""

    start: Time
    end: Time


class ProposeBody(Body):
    """What should get better, measured by which indicator, of which part, and why."""

    title: Name
    why: Text
    indicator: Measurable
    component: Name | None = None
    process: Name | None = None
    customer: Name | None = None
    problem_id: UUID | None = None
    owner: Name | None = None
    target: float | None = None
    expected_saving_per_month: Money | None = None
    baseline: WindowBody | None = None
    """Default: the 90 days before the proposal."""
    proposed_at: Time | None = None


class ApproveBody(Body):
    """Who does it."""

    owner: Name | None = None
    approved_at: Time | None = None


class RejectBody(Body):
    """Why it is not done."""

    reason: Text
    rejected_at: Time | None = None


class MeasureBody(Body):
    """The window to compare with the baseline; default: since the approval."""

    result: WindowBody | None = None
    measured_at: Time | None = None


class RealiseBody(Body):
    """What it was worth: money, quality, a new contract, a renewal."""

    worth: Text
    realised_at: Time | None = None


@router.get("/v1/improvements")
async def list_improvements(
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
    state: Annotated[ImprovementState | None, Query()] = None,
) -> Page[Improvement]:
    """List improvements, newest first."""
    async with query.conn() as conn:
        found = await store.listed(conn, state, after=page.after, limit=page.fetch)
    return page.of(found, id_of=lambda improvement: improvement.improvement_id)


@router.get("/v1/improvements/{improvement_id}")
async def get_improvement(
    improvement_id: UUID, query: Annotated[Reading, Depends(reading)]
) -> Improvement:
    """Give one improvement as it stands."""
    async with query.conn() as conn:
        return _known(await store.find(conn, improvement_id), improvement_id)


@router.post("/v1/improvements", status_code=201)
async def propose_improvement(body: ProposeBody, command: Operating) -> Improvement:
    """Propose an improvement; what its indicator was in the baseline window is measured now."""
    return await command.run(lambda work: _propose(work, body))


@router.post("/v1/improvements/{improvement_id}/approve")
async def approve_improvement(
    improvement_id: UUID, body: ApproveBody, command: Operating
) -> Improvement:
    """Decide that it will be done."""

    async def approve(work: Work, improvement: Improvement) -> ImprovementEvent:
        return register.approve(improvement, body.approved_at or work.now, body.owner)

    return await command.run(lambda work: _step(work, improvement_id, approve))


@router.post("/v1/improvements/{improvement_id}/reject")
async def reject_improvement(
    improvement_id: UUID, body: RejectBody, command: Operating
) -> Improvement:
    """Decide that it will not be done."""

    async def reject(work: Work, improvement: Improvement) -> ImprovementEvent:
        return register.reject(improvement, body.rejected_at or work.now, body.reason)

    return await command.run(lambda work: _step(work, improvement_id, reject))


@router.post("/v1/improvements/{improvement_id}/measure")
async def measure_improvement(
    improvement_id: UUID, body: MeasureBody, command: Operating
) -> Improvement:
    """Compare its result window with its baseline; may be done again as time goes by."""

    async def measure(work: Work, improvement: Improvement) -> ImprovementEvent:
        at = body.measured_at or work.now
        window = register.result_window(improvement, at, _period(body.result))
        baseline = register.baseline_of(improvement)
        indicator = Measurable(improvement.indicator)
        part = register.part_measured(improvement, await _signature(work, improvement.problem_id))
        before = await sample(work.conn, indicator, baseline, part)
        after = await sample(work.conn, indicator, window, part)
        return register.measure(improvement, (baseline, before), (window, after), at)

    return await command.run(lambda work: _step(work, improvement_id, measure))


@router.post("/v1/improvements/{improvement_id}/realise")
async def realise_improvement(
    improvement_id: UUID, body: RealiseBody, command: Operating
) -> Improvement:
    """Put on record that it is done, and what it was worth."""

    async def realise(work: Work, improvement: Improvement) -> ImprovementEvent:
        return register.realise(improvement, body.realised_at or work.now, body.worth)

    return await command.run(lambda work: _step(work, improvement_id, realise))


async def _propose(work: Work, body: ProposeBody) -> Improvement:
    at = body.proposed_at or work.now
    problem_id = ProblemId(body.problem_id) if body.problem_id else None
    draft = Draft(
        title=body.title,
        why=body.why,
        indicator=body.indicator,
        component=body.component,
        process=body.process,
        customer=body.customer,
        problem_id=problem_id,
        owner=body.owner,
        target=body.target,
        expected_saving_per_month=body.expected_saving_per_month,
    )
    try:
        window = register.baseline_until(at, _period(body.baseline))
    except NotPossible as error:
        raise Invalid(error.why, advice=error.advice) from error
    part = register.part_measured(draft, await _signature(work, problem_id))
    before = await sample(work.conn, draft.indicator, window, part)
    improvement_id = ImprovementId(new_id(at))
    event = register.propose(improvement_id, draft, (window, before), at, work.actor)
    return await store.put(work, event, at)


async def _step(
    work: Work,
    improvement_id: UUID,
    step: Callable[[Work, Improvement], Awaitable[ImprovementEvent]],
) -> Improvement:
    improvement = _known(await store.lock(work, improvement_id), improvement_id)
    try:
        event = await step(work, improvement)
    except NotPossible as error:
        raise Conflict(error.why, advice=error.advice) from error
    return await store.put(work, event, register.happened_at(event))


async def _signature(work: Work, problem_id: ProblemId | None) -> str | None:
    if problem_id is None:
        return None
    signature_id = await signature_of(work.conn, problem_id)
    if signature_id is None:
        raise Invalid(
            f"No problem with the id {problem_id} is known here.",
            advice="List problems with GET /problem/v1/problems; news of one takes a moment.",
        )
    return signature_id


def _period(window: WindowBody | None) -> Period | None:
    if window is None:
        return None
    try:
        return Period(window.start, window.end)
    except BadPeriod as error:
        raise Invalid(f"That is no window: {error}.", advice="Let it end after its start.") from (
            error
        )


def _known(improvement: Improvement | None, improvement_id: UUID) -> Improvement:
    if improvement is None:
        raise NotFound(
            f"No improvement has the id {improvement_id}.",
            advice="List them with GET /improvement/v1/improvements.",
        )
    return improvement
