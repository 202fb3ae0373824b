"""Routes about incidents and their life."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Channel, Time
from mejora_events.contracts.incidents import Incident
from mejora_events.ids import IncidentId
from mejora_events.sql import Row
from mejora_events.store import Work
from mejora_intake.api.commands import (
    UnknownIncident,
    acknowledge_incident,
    close_incident,
    comment_on,
    reopen_incident,
    restore_incident,
)
from mejora_intake.api.silences import SilenceApplying, applying_to
from mejora_intake.flapping import is_flapping
from mejora_intake.model import FLAPPED, NotNow
from mejora_intake.store import incidents as store
from mejora_intake.store.timeline import timeline
from mejora_intake.timing import can_be
from mejora_service.errors import Conflict, Invalid, NotFound
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
    silences: list[SilenceApplying]
    """What suppresses further signals of it now."""
    is_flapping: bool
    """Whether it comes and goes, and did so within the last hour."""


class Noted(BaseModel):
    """A command with a note."""

    model_config = ConfigDict(extra="forbid")

    note: str = ""
    at: Time | None = None
    """When it happened; now, when it is left out."""

    def happened_at(self, now: datetime) -> datetime:
        """Tell when it happened; raises Invalid when that cannot be."""
        if self.at is not None and not can_be(self.at, now):
            raise Invalid(
                "at: that is long before there were such clocks, or more than a day from now.",
                advice="Say when it happened, or leave `at` out, which means now.",
            )
        return self.at or now


class Restored(Noted):
    """How the service level came back."""

    channel: Channel = Channel.RESTORE


class Comment(BaseModel):
    """What somebody has to say on an incident."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]


@router.get("/{incident_id}")
async def get_incident(
    incident_id: UUID, query: Annotated[Reading, Depends(reading)]
) -> IncidentWithTimeline:
    """Show an incident and all that happened to it."""
    async with query.conn() as conn:
        return await with_timeline(conn, incident_id, query)


@router.post("/{incident_id}/comments")
async def comment(
    incident_id: UUID, body: Comment, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say something on an incident, at any time of its life; it is an entry of its timeline."""

    async def do(work: Work) -> None:
        await comment_on(work, IncidentId(incident_id), text=body.text)

    return await carried_out(incident_id, command, do)


@router.post("/{incident_id}/acknowledge")
async def acknowledge(
    incident_id: UUID, body: Noted, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that somebody is on it."""

    async def do(work: Work) -> None:
        await acknowledge_incident(
            work, IncidentId(incident_id), at=body.happened_at(work.now), note=body.note
        )

    return await carried_out(incident_id, command, do)


@router.post("/{incident_id}/restore")
async def restore(
    incident_id: UUID, body: Restored, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that the service level is back, and by which channel."""

    async def do(work: Work) -> None:
        await restore_incident(
            work,
            IncidentId(incident_id),
            at=body.happened_at(work.now),
            channel=body.channel,
            note=body.note,
        )

    return await carried_out(incident_id, command, do)


@router.post("/{incident_id}/reopen")
async def reopen(
    incident_id: UUID, body: Noted, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that it is failing after all."""

    async def do(work: Work) -> None:
        await reopen_incident(
            work, IncidentId(incident_id), at=body.happened_at(work.now), note=body.note
        )

    return await carried_out(incident_id, command, do)


@router.post("/{incident_id}/close")
async def close(
    incident_id: UUID, body: Noted, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that nothing more will be done in it."""

    async def do(work: Work) -> None:
        await close_incident(
            work, IncidentId(incident_id), at=body.happened_at(work.now), note=body.note
        )

    return await carried_out(incident_id, command, do)


async def carried_out(
    incident_id: UUID, command: Command, do: Callable[[Work], Awaitable[None]]
) -> IncidentWithTimeline:
    """Carry a command out, and show the incident as it is then."""

    async def do_and_show(work: Work) -> IncidentWithTimeline:
        try:
            await do(work)
        except UnknownIncident as error:
            raise unknown(error) from error
        except NotNow as error:
            raise Conflict(
                f"That cannot be done: {error}.",
                advice=f"Look at GET /intake/v1/incidents/{incident_id} first.",
            ) from error
        return await with_timeline(work.conn, incident_id, command)

    return await command.run(do_and_show)


async def with_timeline(
    conn: AsyncConnection, incident_id: UUID, query: Reading
) -> IncidentWithTimeline:
    """Show an incident and all that happened to it; raises NotFound."""
    found = await store.one_incident(conn, incident_id)
    if found is None:
        raise unknown(incident_id)
    entries = [TimelineEntry(**r) for r in await timeline(conn, incident_id)]
    incident = shown(found)
    return IncidentWithTimeline(
        **incident.model_dump(),
        timeline=entries,
        silences=applying_to(query, incident),
        is_flapping=is_flapping(
            incident.flaps,
            (e.at for e in entries if e.what == "reopened" and e.note.startswith(FLAPPED)),
            now=query.clock.now(),
            flaps_to_be_flapping=query.settings.flaps_to_be_flapping,
        ),
    )


def shown(found: Row) -> IncidentShown:
    """Show an incident of the store."""
    return IncidentShown(
        **store.incident_of(found).model_dump(),
        signature_id=found["signature_id"],
        priority=found["priority"],
        owner=found["owner"],
    )


def unknown(incident_id: UUID | UnknownIncident) -> NotFound:
    """Tell that there is no such incident."""
    return NotFound(
        f"No incident has the id {incident_id}.",
        advice="List them with GET /intake/v1/incidents.",
    )
