"""Deployments and configuration changes, told by pipelines."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from mejora_diagnosis.api.bodies import Note, Text
from mejora_diagnosis.reactions.changes import offer
from mejora_diagnosis.store import catalogue, changes
from mejora_events.contracts.base import Time
from mejora_events.contracts.changes import ChangeKind, ChangeRecorded
from mejora_events.ids import ChangeId, new_id
from mejora_events.store import Work
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, reading

router = APIRouter(tags=["changes"])


class Change(BaseModel):
    """Something was changed in a component."""

    model_config = ConfigDict(extra="forbid")

    component: Text
    kind: ChangeKind = ChangeKind.DEPLOYMENT
    version: Text
    """The version or change number by which a permanent fix can name it."""
    description: Note = ""
    changed_at: Time | None = None
    """When it was made; now, unless said otherwise."""
    changed_by: Text | None = None
    """The pipeline or role that made it; whose key it is, unless said otherwise."""
    instances: tuple[Text, ...] = ()
    """Where; empty means everywhere."""


@router.post("/v1/changes", status_code=201)
async def record_change(
    change: Change, command: Annotated[Command, Depends(operating)]
) -> ChangeRecorded:
    """Record a change; incidents that follow it are offered it, also those known already."""
    within_seconds = command.settings.recent_change_seconds

    async def record(work: Work) -> ChangeRecorded:
        in_force = await catalogue.take_turn(work)
        changed_at = change.changed_at or work.now
        recorded = ChangeRecorded(
            change_id=ChangeId(new_id(changed_at)),
            component=in_force.catalogue.resolve(change.component),
            kind=change.kind,
            version=change.version,
            description=change.description,
            changed_at=changed_at,
            changed_by=change.changed_by or work.actor,
            instances=change.instances,
        )
        await changes.add(work.conn, recorded)
        work.emit(recorded, at=changed_at)
        await offer(work, recorded, in_force.catalogue, within_seconds)
        return recorded

    return await command.run(record)


@router.get("/v1/changes")
async def list_changes(
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
    component: Annotated[str | None, Query()] = None,
) -> Page[ChangeRecorded]:
    """List changes, the newest first."""
    async with query.conn() as conn:
        found = await changes.listed(conn, after=page.after, limit=page.fetch, component=component)
    return page.of(found, id_of=lambda change: change.change_id)
