"""What the catalogue says of components and processes, as far as intake keeps it."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.catalogue import (
    CatalogueEntityChanged,
    CatalogueEntityRemoved,
    Component,
    Process,
)
from mejora_events.sql import as_json, rows, run
from mejora_events.store import Work
from mejora_intake.belonging import Part, PartKind
from mejora_intake.store.silences import next_revision

# The newest version of each entity counts, whatever the order in which they come; one that was
# removed keeps its row, so that older news of it changes nothing.
_KEEP = """
insert into catalogue_part (kind, name, version, removed, depends_on, aliases, revision)
select n.kind, n.name, n.version, n.removed,
       array(select jsonb_array_elements_text(cast(n.depends_on as jsonb))),
       array(select jsonb_array_elements_text(cast(n.aliases as jsonb))), :revision
from unnest(cast(:kinds as text[]), cast(:names as text[]), cast(:versions as integer[]),
            cast(:removed as boolean[]), cast(:depends_on as text[]), cast(:aliases as text[]))
     as n (kind, name, version, removed, depends_on, aliases)
order by n.kind, n.name
on conflict (kind, name) do update
set version = excluded.version, removed = excluded.removed, depends_on = excluded.depends_on,
    aliases = excluded.aliases, revision = excluded.revision
where catalogue_part.version < excluded.version
"""

_CHANGED = """
select kind, name, removed, depends_on, aliases from catalogue_part where revision > :revision
"""

_KINDS = tuple(kind.value for kind in PartKind)

Told = CatalogueEntityChanged | CatalogueEntityRemoved


async def keep_parts(work: Work, told: Iterable[Told]) -> None:
    """Keep the newest version of each component and process; what else there is is passed over."""
    newest: dict[str, Told] = {}
    for one in told:
        known = newest.get(one.key())
        concerns_us = one.key().partition(":")[0] in _KINDS
        if concerns_us and (known is None or known.version < one.version):
            newest[one.key()] = one
    if not newest:
        return
    parts = [(_part(one), one) for one in newest.values()]
    await run(
        work.conn,
        _KEEP,
        revision=await next_revision(work),
        kinds=[part.kind.value for part, _ in parts],
        names=[part.name for part, _ in parts],
        versions=[one.version for _, one in parts],
        removed=[isinstance(one, CatalogueEntityRemoved) for _, one in parts],
        depends_on=[as_json(part.depends_on) for part, _ in parts],
        aliases=[as_json(part.aliases) for part, _ in parts],
    )


def _part(told: Told) -> Part:
    if isinstance(told, CatalogueEntityRemoved):
        return Part(PartKind(told.kind), told.name)
    entity = told.entity
    if isinstance(entity, Component):
        return Part(PartKind.COMPONENT, entity.name, entity.depends_on, entity.aliases)
    if isinstance(entity, Process):
        return Part(PartKind.PROCESS, entity.name, entity.depends_on)
    raise TypeError(f"a {entity.kind} stands on nothing")


async def changed_parts(conn: AsyncConnection, *, after_revision: int) -> list[tuple[Part, bool]]:
    """Give the components and processes that changed later, and whether each is still there."""
    found = await rows(conn, _CHANGED, revision=after_revision)
    return [
        (
            Part(PartKind(r["kind"]), r["name"], tuple(r["depends_on"]), tuple(r["aliases"])),
            not r["removed"],
        )
        for r in found
    ]
