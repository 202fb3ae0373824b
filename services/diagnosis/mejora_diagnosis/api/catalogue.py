"""The catalogue over HTTP: replaced as a whole, read back, asked for impact."""

import asyncio
from enum import StrEnum
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from mejora_diagnosis.model.documents import (
    ReadDocument,
    UnreadableCatalogue,
    read_catalogue,
    read_catalogue_table,
    write_own,
)
from mejora_diagnosis.model.replacing import replace
from mejora_diagnosis.store import catalogue
from mejora_events.contracts.catalogue import (
    CatalogueEntityChanged,
    CatalogueEntityRemoved,
)
from mejora_events.contracts.diagnoses import Affected
from mejora_events.store import Work
from mejora_service.errors import Invalid, NotFound
from mejora_service.web import Command, Reading, administering, reading

router = APIRouter(tags=["catalogue"])

_YAML = "application/yaml"
_CSV = "text/csv"
_DOCUMENT = {
    "requestBody": {
        "required": True,
        "content": {
            **{kind: {"schema": {"type": "object"}} for kind in (_YAML, "application/json")},
            _CSV: {"schema": {"type": "string"}},
        },
    }
}


class Replaced(BaseModel):
    """What taking over a catalogue led to."""

    version: int
    """Of the catalogue; it stays when nothing changed."""
    changed: int
    removed: int
    unchanged: int
    remarks: list[str]
    """What was understood and is worth a look."""


class Upwards(Affected):
    """Who is hit when it fails."""

    components: tuple[str, ...] = ()


class Downwards(BaseModel):
    """What it stands on."""

    direct: tuple[str, ...]
    all: tuple[str, ...]


class Impact(BaseModel):
    """What a component's failure means, and what it can come from."""

    component: str
    listed: bool
    owner: str | None
    catalogue_version: int
    upwards: Upwards
    downwards: Downwards


Version = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
"""A catalogue that was in force; the newest, unless said otherwise."""


class Form(StrEnum):
    """In which form a catalogue is shown."""

    JSON = "json"
    YAML = "yaml"


@router.put("/v1/catalogue", openapi_extra=_DOCUMENT)
async def put_catalogue(
    request: Request, command: Annotated[Command, Depends(administering)]
) -> Replaced:
    """Replace the whole catalogue: our own form, Backstage entities, an edge list or a table."""
    kind = request.headers.get("content-type", "")
    document = await asyncio.to_thread(_read, await request.body(), kind)

    async def take_over(work: Work) -> Replaced:
        in_force = await catalogue.take_turn(work)
        replacement = replace(await catalogue.kept(work.conn), document.entities)
        version = in_force.version
        if replacement.changed or replacement.removed:
            version = await catalogue.write(work, replacement)
        for entity, its_version in replacement.changed:
            work.emit(
                CatalogueEntityChanged(entity=entity, version=its_version, changed_at=work.now)
            )
        for (kind, name), its_version in replacement.removed:
            work.emit(
                CatalogueEntityRemoved(
                    kind=kind, name=name, version=its_version, removed_at=work.now
                )
            )
        return Replaced(
            version=version,
            changed=len(replacement.changed),
            removed=len(replacement.removed),
            unchanged=replacement.unchanged,
            remarks=[str(remark) for remark in document.remarks],
        )

    return await command.run(take_over)


def _read(body: bytes, kind: str) -> ReadDocument:
    try:
        text = body.decode("utf-8-sig")
        if "csv" in kind:
            return read_catalogue_table(text)
        return read_catalogue(text, is_json="json" in kind)
    except UnicodeDecodeError as error:
        raise Invalid("The catalogue is no UTF-8 text.", advice="Send it as UTF-8.") from error
    except UnreadableCatalogue as error:
        faults = "\n".join(map(str, error.faults))
        more = f"\nand {error.more} more" if error.more else ""
        raise Invalid(
            f"The catalogue was not taken over:\n{faults}{more}",
            advice="Mend these places and send the whole catalogue again; nothing was changed.",
        ) from error


@router.get(
    "/v1/catalogue",
    response_model=None,
    responses={200: {"content": {_YAML: {"schema": {"type": "object"}}}}},
)
async def get_catalogue(
    request: Request,
    query: Annotated[Reading, Depends(reading)],
    form: Annotated[Form | None, Query()] = None,
    version: Version = None,
) -> Response | dict[str, Any]:
    """Give the whole catalogue in our own form; as YAML if `Accept` or `form` says so.

    With `version` it is the one that was in force then: a diagnosis names its own.
    """
    async with query.conn() as conn:
        try:
            written = write_own(await catalogue.entities(conn, version))
        except catalogue.NoSuchVersion as error:
            raise _no_such_version(error, version) from error
    if form is None and "yaml" in request.headers.get("accept", ""):
        form = Form.YAML
    if form is Form.YAML:
        return Response(await asyncio.to_thread(_as_yaml, written), media_type=_YAML)
    return written


def _as_yaml(written: dict[str, Any]) -> str:
    text: str = yaml.dump(
        written, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=100
    )
    return text


def _no_such_version(error: catalogue.NoSuchVersion, version: int | None) -> NotFound:
    return NotFound(
        f"No catalogue of the version {version} is kept.",
        advice=f"Versions {error.oldest} to {error.newest} are; without one you get the newest.",
    )


@router.get("/v1/components/{name:path}/impact")
async def get_impact(
    name: str, query: Annotated[Reading, Depends(reading)], version: Version = None
) -> Impact:
    """Tell who stands on a component, upwards, and what it stands on, downwards.

    With `version` it is by the catalogue that was in force then.
    """
    async with query.conn() as conn:
        try:
            asked = await (
                catalogue.in_force(conn) if version is None else catalogue.of_version(conn, version)
            )
        except catalogue.NoSuchVersion as error:
            raise _no_such_version(error, version) from error
        known = asked.catalogue
        component = known.component(known.resolve(name))
        if component.name not in known.components and not await catalogue.was_named(
            conn, component.name, asked.version
        ):
            raise NotFound(
                f"The catalogue has no component {name!r}.",
                advice="Add it with PUT /diagnosis/v1/catalogue; GET there lists what it has.",
            )
    return Impact(
        component=component.name,
        listed=known.lists(component.name),
        owner=component.owner,
        catalogue_version=asked.version,
        upwards=Upwards(
            components=known.dependents(component.name),
            **known.affected(component.name).model_dump(),
        ),
        downwards=Downwards(direct=component.depends_on, all=known.dependencies(component.name)),
    )
