"""Workarounds over HTTP: applied, failed, retired, and what was promised about them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from mejora_diagnosis.api.answering import no_such_diagnosis
from mejora_diagnosis.api.bodies import Note, Text
from mejora_diagnosis.model.workarounds import (
    DueTooEarly,
    NotInUse,
    check_promise,
    fail,
    move_promise,
    retire,
)
from mejora_diagnosis.store import diagnoses, problems, workarounds
from mejora_events.contracts.base import Time
from mejora_events.contracts.workarounds import (
    Workaround,
    WorkaroundApplied,
    WorkaroundEvent,
    WorkaroundFailed,
    WorkaroundPromiseMoved,
    WorkaroundRetired,
    WorkaroundState,
)
from mejora_events.ids import WorkaroundId, new_id
from mejora_events.store import Work
from mejora_service.errors import Conflict, Invalid, NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, reading

router = APIRouter(tags=["workarounds"])


class Applied(BaseModel):
    """A workaround is being applied."""

    model_config = ConfigDict(extra="forbid")

    description: Text
    owner: Text
    """The role that sees to it that it goes away again."""
    due_at: Time
    """When it must be gone."""
    applied_at: Time | None = None
    """When it was applied; now, unless said otherwise."""


class Ended(BaseModel):
    """A workaround has failed or is no longer in use."""

    model_config = ConfigDict(extra="forbid")

    reason: Note = ""
    at: Time | None = None
    """When that was; now, unless said otherwise."""


class Promise(BaseModel):
    """Another date on which a workaround must be gone."""

    model_config = ConfigDict(extra="forbid")

    due_at: Time
    reason: Note = ""
    at: Time | None = None
    """When that was promised; now, unless said otherwise."""


@router.post("/v1/diagnoses/{diagnosis_id}/workaround", status_code=201)
async def apply_workaround(
    diagnosis_id: UUID, applied: Applied, command: Annotated[Command, Depends(operating)]
) -> Workaround:
    """Serve the customer another way meanwhile; it needs an owner and a date to be gone by."""

    async def apply(work: Work) -> Workaround:
        diagnosis = await diagnoses.find(work.conn, diagnosis_id)
        if diagnosis is None:
            raise no_such_diagnosis(diagnosis_id)
        applied_at = applied.applied_at or work.now
        _check(applied_at, applied.due_at)
        signature_id = diagnosis.signature.signature_id
        await workarounds.hold_faults(work.conn, [signature_id])
        workaround = Workaround(
            workaround_id=WorkaroundId(new_id(applied_at)),
            incident_id=diagnosis.incident_id,
            version=1,
            state=WorkaroundState.APPLIED,
            signature_id=signature_id,
            component=diagnosis.component,
            description=applied.description,
            owner=applied.owner,
            applied_at=applied_at,
            applied_by=work.actor,
            due_at=applied.due_at,
            problem_id=await problems.problem_of(work.conn, signature_id),
        )
        await workarounds.add(work.conn, workaround)
        work.emit(
            WorkaroundApplied(workaround=workaround),
            at=applied_at,
            correlation=workaround.incident_id,
        )
        return await _end_if_fixed(work, workaround)

    return await command.run(apply)


async def _end_if_fixed(work: Work, workaround: Workaround) -> Workaround:
    """End a workaround at once that is told of after a fix of its fault was verified."""
    verified_at = await problems.verified_at(work.conn, workaround.signature_id)
    if verified_at is None or verified_at < workaround.applied_at:
        return workaround
    reason = "a permanent fix was verified since"
    retired = retire(workaround, verified_at, because=reason)
    await workarounds.update(work.conn, [retired])
    work.emit(
        WorkaroundRetired(workaround=retired, reason=reason),
        at=verified_at,
        correlation=workaround.incident_id,
    )
    return retired


@router.post("/v1/workarounds/{workaround_id}/failed")
async def fail_workaround(
    workaround_id: UUID, ended: Ended, command: Annotated[Command, Depends(operating)]
) -> Workaround:
    """Note that it was tried and did not carry the service."""

    def change(now: Workaround, at: datetime) -> tuple[Workaround, WorkaroundEvent]:
        failed = fail(now, at, ended.reason)
        return failed, WorkaroundFailed(workaround=failed, reason=ended.reason)

    return await command.run(_changing(workaround_id, ended.at, change))


@router.post("/v1/workarounds/{workaround_id}/retired")
async def retire_workaround(
    workaround_id: UUID, ended: Ended, command: Annotated[Command, Depends(operating)]
) -> Workaround:
    """Note that it is no longer in use."""

    def change(now: Workaround, at: datetime) -> tuple[Workaround, WorkaroundEvent]:
        retired = retire(now, at, because=ended.reason)
        return retired, WorkaroundRetired(workaround=retired, reason=ended.reason)

    return await command.run(_changing(workaround_id, ended.at, change))


@router.post("/v1/workarounds/{workaround_id}/promise")
async def promise_workaround(
    workaround_id: UUID, promise: Promise, command: Annotated[Command, Depends(operating)]
) -> Workaround:
    """Move the date on which it must be gone; how often that was done is counted."""

    def change(now: Workaround, at: datetime) -> tuple[Workaround, WorkaroundEvent]:
        _check(now.applied_at, promise.due_at)
        moved = move_promise(now, promise.due_at)
        return moved, WorkaroundPromiseMoved(
            workaround=moved, reason=promise.reason, formerly_due_at=now.due_at, moved_at=at
        )

    return await command.run(_changing(workaround_id, promise.at, change))


Change = Callable[[Workaround, datetime], tuple[Workaround, WorkaroundEvent]]


def _changing(
    workaround_id: UUID, at: datetime | None, change: Change
) -> Callable[[Work], Awaitable[Workaround]]:
    """Give the transaction that makes the next version of a workaround."""

    async def make(work: Work) -> Workaround:
        now = await workarounds.find_and_hold(work.conn, workaround_id)
        if now is None:
            raise _no_such_workaround(workaround_id)
        try:
            workaround, event = change(now, at or work.now)
        except NotInUse as error:
            raise Conflict(
                f"This workaround is {now.state.value} and no longer in use.",
                advice="Apply a new one with POST /diagnosis/v1/diagnoses/{id}/workaround.",
            ) from error
        await workarounds.update(work.conn, [workaround])
        work.emit(event, at=at, correlation=workaround.incident_id)
        return workaround

    return make


def _check(applied_at: datetime, due_at: datetime) -> None:
    try:
        check_promise(applied_at, due_at)
    except DueTooEarly as error:
        raise Invalid(
            f"due_at is {due_at:%Y-%m-%dT%H:%M:%SZ}, which is not after it was applied.",
            advice="Name a date by which the permanent fix can be in place.",
        ) from error


def _no_such_workaround(workaround_id: UUID) -> NotFound:
    return NotFound(
        f"No workaround has the id {workaround_id}.",
        advice="List them with GET /diagnosis/v1/workarounds.",
    )


@router.get("/v1/workarounds")
async def list_workarounds(
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
    incident_id: Annotated[UUID | None, Query()] = None,
    signature_id: Annotated[str | None, Query()] = None,
    state: Annotated[WorkaroundState | None, Query()] = None,
) -> Page[Workaround]:
    """List workarounds, the newest first."""
    async with query.conn() as conn:
        found = await workarounds.listed(
            conn,
            after=page.after,
            limit=page.fetch,
            incident_id=incident_id,
            signature_id=signature_id,
            state=state,
        )
    return page.of(found, id_of=lambda workaround: workaround.workaround_id)


@router.get("/v1/workarounds/{workaround_id}")
async def get_workaround(
    workaround_id: UUID, query: Annotated[Reading, Depends(reading)]
) -> Workaround:
    """Give a workaround as it stands."""
    async with query.conn() as conn:
        found = await workarounds.find(conn, workaround_id)
    if found is None:
        raise _no_such_workaround(workaround_id)
    return found
