"""A service of the tests' own, as small as one can be: it keeps things and counts what it hears."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from mejora_events.contracts.access import Scope
from mejora_events.contracts.changes import ChangeKind, ChangeRecorded
from mejora_events.envelope import Event
from mejora_events.ids import ChangeId, new_id
from mejora_events.sql import row, rows, run
from mejora_events.store import Work
from mejora_service.errors import NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.service import Periodic, Service
from mejora_service.settings import ServiceSettings
from mejora_service.web import (
    Command,
    Reading,
    command_with,
    customer_reading,
    operating,
    reading,
)

router = APIRouter()

_ADD = """
insert into thing (id, name, by, created_at) values (:id, :name, :by, :created_at)
"""
_LIST = """
select * from thing where (cast(:after as uuid) is null or id < :after)
order by id desc limit :limit
"""
COUNT = """
insert into heard (name, times) values (:name, 1)
on conflict (name) do update set times = heard.times + 1
"""


class CounterSettings(ServiceSettings):
    """Its own setting, beside those that every service has."""

    most_things: Annotated[int, Field(ge=1)] = 1000


class ThingBody(BaseModel):
    """What is to be kept."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    takes_seconds: float = 0.0


class Thing(BaseModel):
    """What is kept."""

    id: UUID
    name: str
    by: str
    created_at: datetime


@router.post("/v1/things", status_code=201)
async def add(body: ThingBody, command: Annotated[Command, Depends(operating)]) -> Thing:
    """Keep a thing and tell of it; what is named `impossible` fails."""

    async def keep(work: Work) -> Thing:
        thing = Thing(id=new_id(), name=body.name, by=work.actor, created_at=work.now)
        await run(work.conn, _ADD, **thing.model_dump())
        await asyncio.sleep(body.takes_seconds)
        work.emit(changed(thing.name, ChangeKind.DEPLOYMENT, work.now))
        if body.name == "impossible":
            raise RuntimeError("the secret of the inside")
        return thing

    return await command.run(keep)


@router.get("/v1/things")
async def list_things(
    query: Annotated[Reading, Depends(reading)], page: Annotated[PageQuery, Depends()]
) -> Page[Thing]:
    """List what is kept, newest first."""
    async with query.conn() as conn:
        found = await rows(conn, _LIST, after=page.after, limit=page.fetch)
    return page.of([Thing(**r) for r in found], id_of=lambda thing: thing.id)


@router.get("/v1/things/{thing_id}")
async def show(thing_id: UUID, query: Annotated[Reading, Depends(customer_reading)]) -> Thing:
    """Show a thing, to a customer's key too."""
    async with query.conn() as conn:
        found = await row(conn, "select * from thing where id = :id", id=thing_id)
    if found is None:
        raise NotFound(f"No thing has the id {thing_id}.", advice="List them with GET …/v1/things.")
    return Thing(**found)


@router.delete("/v1/things/{thing_id}", status_code=204)
async def remove(thing_id: UUID, command: Annotated[Command, Depends(operating)]) -> None:
    """Take a thing away."""

    async def take_away(work: Work) -> None:
        if not await run(work.conn, "delete from thing where id = :id", id=thing_id):
            raise NotFound(f"No thing has the id {thing_id}.", advice="Perhaps it was taken away.")

    await command.run(take_away)


@router.post("/v1/sources")
async def tell_source(
    command: Annotated[Command, Depends(command_with(Scope.INGEST))],
) -> dict[str, str | None]:
    """Tell which source the key is tied to."""
    return {"source": command.principal.source}


@router.post("/v1/bytes")
async def count_bytes(request: Request) -> dict[str, int]:
    """Count a body that is read piece by piece."""
    return {"bytes": sum([len(piece) async for piece in request.stream()])}


def changed(name: str, kind: ChangeKind, at: datetime) -> ChangeRecorded:
    """Give the fact that a thing changed."""
    return ChangeRecorded(
        change_id=ChangeId(new_id()),
        component=name,
        kind=kind,
        version="1",
        changed_at=at,
        changed_by="the counter",
    )


async def count(work: Work, events: Sequence[Event[ChangeRecorded]]) -> None:
    """Count what is heard of a thing, and say so once for each; `unheard` fails."""
    for event in events:
        if event.data.kind is ChangeKind.DEPLOYMENT:
            if event.data.component == "unheard":
                raise RuntimeError("nobody hears this")
            await run(work.conn, COUNT, name=event.data.component)
            work.emit(changed(event.data.component, ChangeKind.OTHER, work.now), cause=event)


async def tick(work: Work) -> None:
    """Note each round."""
    await run(work.conn, COUNT, name="ticks")


def periodics(_settings: Any) -> Sequence[Periodic]:
    """Give what is done again and again: hardly ever, so that tests do it themselves."""
    return (Periodic("tick", 3600.0, tick),)


SERVICE = Service(
    name="counter",
    migrations=Path(__file__).with_name("migrations"),
    settings=CounterSettings,
    router=router,
    reactions=lambda _: {ChangeRecorded: count},
    periodics=periodics,
)
