"""Routes about incidents and their life."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Channel, Time
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.ids import IncidentId
from mejora_events.sql import Row
from mejora_events.store import Work
from mejora_intake.api.commands import (
    UnknownIncident,
    acknowledge_incident,
    close_incident,
    reopen_incident,
    restore_incident,
)
from mejora_intake.model import NotNow
from mejora_intake.store import incidents as store
from mejora_intake.store.timeline import timeline
from mejora_service.errors import Conflict, NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, reading

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])


class IncidentShown(Incident):
    """An incident with what diagnosis says of it."""

    signature_id: str | None
    priority: int | None
    owner: str | None


class TimelineEntry(BaseModel):
    """Something that happened to an incident."""

    at: Time
    recorded_at: Time
    what: str
    actor: str
    note: str


class IncidentWithTimeline(IncidentShown):
    """An incident with all that happened to it."""

    timeline: list[TimelineEntry]


class Noted(BaseModel):
    """A command with a note."""

    model_config = ConfigDict(extra="forbid")

    note: str = ""
    at: Time | None = None
    """When it happened; now, when it is left out."""


class Restored(Noted):
    """How the service level came back."""

    channel: Channel = Channel.RESTORE


@router.get("")
async def list_incidents(
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
    state: IncidentState | None = None,
    component: Annotated[str | None, Query(max_length=500)] = None,
    priority: Annotated[int | None, Query(ge=1, le=5)] = None,
) -> Page[IncidentShown]:
    """List incidents, newest first."""
    async with query.conn() as conn:
        found = await store.list_incidents(
            conn,
            after=page.after,
            limit=page.fetch,
            state=state.value if state else None,
            component=component,
            priority=priority,
        )
    return page.of([_shown(r) for r in found], id_of=lambda incident: incident.incident_id)


@router.get("/{incident_id}")
async def get_incident(
    incident_id: UUID, query: Annotated[Reading, Depends(reading)]
) -> IncidentWithTimeline:
    """Show an incident and all that happened to it."""
    async with query.conn() as conn:
        return await _with_timeline(conn, incident_id)


@router.post("/{incident_id}/acknowledge")
async def acknowledge(
    incident_id: UUID, body: Noted, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that somebody is on it."""

    async def do(work: Work) -> None:
        await acknowledge_incident(
            work, IncidentId(incident_id), at=body.at or work.now, note=body.note
        )

    return await _carried_out(incident_id, command, do)


@router.post("/{incident_id}/restore")
async def restore(
    incident_id: UUID, body: Restored, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that the service level is back, and by which channel."""

    async def do(work: Work) -> None:
        await restore_incident(
            work,
            IncidentId(incident_id),
            at=body.at or work.now,
            channel=body.channel,
            note=body.note,
        )

    return await _carried_out(incident_id, command, do)


@router.post("/{incident_id}/reopen")
async def reopen(
    incident_id: UUID, body: Noted, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that it is failing after all."""

    async def do(work: Work) -> None:
        await reopen_incident(work, IncidentId(incident_id), at=body.at or work.now, note=body.note)

    return await _carried_out(incident_id, command, do)


@router.post("/{incident_id}/close")
async def close(
    incident_id: UUID, body: Noted, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that nothing more will be done in it."""

    async def do(work: Work) -> None:
        await close_incident(work, IncidentId(incident_id), at=body.at or work.now, note=body.note)

    return await _carried_out(incident_id, command, do)


async def _carried_out(
    incident_id: UUID, command: Command, do: Callable[[Work], Awaitable[None]]
) -> IncidentWithTimeline:
    async def do_and_show(work: Work) -> IncidentWithTimeline:
        try:
            await do(work)
        except UnknownIncident as error:
            raise _unknown(incident_id) from error
        except NotNow as error:
            raise Conflict(
                f"That cannot be done: {error}.",
                advice=f"Look at GET /intake/v1/incidents/{incident_id} first.",
            ) from error
        return await _with_timeline(work.conn, incident_id)

    return await command.run(do_and_show)


async def _with_timeline(conn: AsyncConnection, incident_id: UUID) -> IncidentWithTimeline:
    found = await store.one_incident(conn, incident_id)
    if found is None:
        raise _unknown(incident_id)
    entries = [TimelineEntry(**r) for r in await timeline(conn, incident_id)]
    return IncidentWithTimeline(**_shown(found).model_dump(), timeline=entries)


def _shown(found: Row) -> IncidentShown:
    return IncidentShown(
        **store.incident_of(found).model_dump(),
        signature_id=found["signature_id"],
        priority=found["priority"],
        owner=found["owner"],
    )


def _unknown(incident_id: UUID) -> NotFound:
    return NotFound(
        f"No incident has the id {incident_id}.",
        advice="List them with GET /intake/v1/incidents.",
    )
