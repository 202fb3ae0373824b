"""Routes by which an operator says of a source how it is read, recognised and trusted."""

import secrets
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response

from mejora_events.sql import Row, as_json
from mejora_events.store import Work
from mejora_intake.api.admission import check_nesting
from mejora_intake.api.at_work import at_work
from mejora_intake.api.declarations import (
    KindShown,
    SigningWanted,
    SourceDeclared,
    SourceShown,
    SourceWanted,
    Tried,
    declaration_of,
    kind_as_source,
    kinds_shown,
    path_of,
    source_shown,
)
from mejora_intake.api.taking import DryAnswer, shown
from mejora_intake.declared import kind_called
from mejora_intake.identity import Identity
from mejora_intake.sources.generic import read as read_by
from mejora_intake.sources.kind import Message, NotUnderstood
from mejora_intake.store import sources as store
from mejora_service.errors import Conflict, Invalid, NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, principal_of, reading

router = APIRouter(prefix="/v1/sources", tags=["sources"])

_RESERVED = ("kinds", "try")

SourcePath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        pattern=r"^[^\s/\x00-\x1f\x7f]([^/\x00-\x1f\x7f]*[^\s/\x00-\x1f\x7f])?$",
        description="The name under which its signals are kept.",
    ),
]


@router.get("/kinds")
async def list_kinds(request: Request) -> list[KindShown]:
    """List the kinds of monitors, with what each expects."""
    await principal_of(request)
    return kinds_shown()


async def _flat_body(request: Request) -> None:
    check_nesting(await request.body())


@router.post("/try", response_model=DryAnswer, dependencies=[Depends(_flat_body)])
async def try_mapping(tried: Tried, command: Annotated[Command, Depends(operating)]) -> Response:
    """Show what a mapping makes of a body, and store nothing."""
    message = Message(orjson.dumps(tried.body), "try", command.clock.now())
    try:
        understood = read_by(tried.mapping, message)
    except NotUnderstood as error:
        raise Invalid(f"body: {error}.", advice="Send fewer signals at once.") from error
    identity = Identity(tried.fingerprint, tried.component)
    return shown([identity.of(signal) for signal in understood.signals], understood.remarks)


@router.put("/{name}")
async def declare_source(
    name: SourcePath, wanted: SourceWanted, command: Annotated[Command, Depends(operating)]
) -> SourceDeclared:
    """Say of a source how it is read, recognised and trusted; it holds from the next message on.

    A fingerprint rule that changes gives failures other fingerprints: what is open by the old ones
    is then no longer restored by its monitor.
    """
    if name in _RESERVED:
        raise Invalid(f"No source can be called {name!r}.", advice="Call it by another name.")
    declaration = declaration_of(wanted)

    async def do(work: Work) -> SourceDeclared:
        before = await store.hold(work, name)
        if before is not None and before["name"] != name:
            raise Conflict(
                f"It is declared as {before['name']!r}, which has the same path.",
                advice=f"PUT {path_of(before['name'])}, or DELETE that one first.",
            )
        secret, made = _secret(wanted.signing, before)
        found = await store.declare(work, name, as_json(declaration), secret)
        return SourceDeclared(**source_shown(found).model_dump(), signing_secret=made)

    makes_one = wanted.signing is not None and wanted.signing.secret is None
    declared = await command.run(do, shown_once=makes_one)
    await at_work(command.runtime).sources.refresh_after_change()
    return declared


@router.get("")
async def list_sources(
    query: Annotated[Reading, Depends(reading)], page: Annotated[PageQuery, Depends()]
) -> Page[SourceShown]:
    """List the sources that are declared, those that were declared last first."""
    async with query.conn() as conn:
        found = await store.list_sources(conn, after=page.after, limit=page.fetch)
    ids = {r["name"]: r["source_id"] for r in found}
    return page.of([source_shown(r) for r in found], id_of=lambda source: ids[source.name])


@router.get("/{name}")
async def get_source(name: SourcePath, query: Annotated[Reading, Depends(reading)]) -> SourceShown:
    """Show a source with the rules in force; of a kind of which nothing is declared, its own."""
    async with query.conn() as conn:
        found = await store.one_source(conn, name)
    if found is not None:
        return source_shown(found)
    kind = kind_called(name)
    if kind is None:
        raise _unknown(name)
    return kind_as_source(kind)


@router.delete("/{name}", status_code=204)
async def forget_source(name: SourcePath, command: Annotated[Command, Depends(operating)]) -> None:
    """Let a source be declared no longer; its signals and incidents stay."""

    async def do(work: Work) -> None:
        if not await store.forget(work, name):
            raise _unknown(name)

    await command.run(do)
    await at_work(command.runtime).sources.refresh_after_change()


def _secret(wanted: SigningWanted | None, before: Row | None) -> tuple[str | None, str | None]:
    """Give the secret that holds from now on, and the same once more if it was made just now."""
    if wanted is None:
        return None, None
    if wanted.secret is not None:
        return wanted.secret.get_secret_value(), None
    if before is not None and before["signing_secret"] is not None:
        return before["signing_secret"], None
    made = secrets.token_urlsafe(32)
    return made, made


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"No kind of monitor and no declared source is called {name!r}.",
        advice="List them with GET /intake/v1/sources and GET /intake/v1/sources/kinds.",
    )
