"""The catalogue: which one is in force, and its entities."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.replacing import EntityKey, Kept, Replacement, key_of
from mejora_events.contracts.catalogue import Component, ComponentKind, Entity
from mejora_events.sql import Row, as_json, from_json, row, rows, run
from mejora_events.store import Work

_ENTITY: TypeAdapter[Entity] = TypeAdapter(Entity)

_STATE = "select version, revision from catalogue_state"

# Waits for whoever is diagnosing, or replacing the catalogue, to commit.
_TAKE_TURN = f"{_STATE} for update"

_NEXT_VERSION = """
update catalogue_state set version = version + 1, revision = :revision returning version
"""

_ENTITIES = "select body from catalogue_entity where not removed order by kind, name"

_ALL_KEPT = "select version, body, removed from catalogue_entity"

_IS_NAMED = """
select true as named from catalogue_entity
where kind = 'component' and name = :name and not removed
"""

_WRITE = """
insert into catalogue_entity (kind, name, version, body, changed_at)
select e.kind, e.name, e.version, cast(e.body as jsonb), :now
from unnest(cast(:kinds as text[]), cast(:names as text[]), cast(:versions as integer[]),
            cast(:bodies as text[])) as e (kind, name, version, body)
on conflict (kind, name) do update
set version = excluded.version, body = excluded.body, changed_at = excluded.changed_at,
    removed = false
"""

_REMOVE = """
update catalogue_entity as kept
set version = e.version, removed = true, changed_at = :now
from unnest(cast(:kinds as text[]), cast(:names as text[]), cast(:versions as integer[]))
     as e (kind, name, version)
where kept.kind = e.kind and kept.name = e.name
"""

# Takes in components that incidents named and nobody described; tells which of them are new.
_JOIN = """
insert into catalogue_entity (kind, name, version, body, changed_at)
select 'component', u.name, 1, cast(u.body as jsonb), :now
from unnest(cast(:names as text[]), cast(:bodies as text[])) as u (name, body)
where not exists (
    select from catalogue_entity as known
    where known.kind = 'component' and known.name = u.name and not known.removed
)
order by u.name
on conflict (kind, name) do update
set version = catalogue_entity.version + 1, body = excluded.body,
    changed_at = excluded.changed_at, removed = false
returning name, version
"""

_UNLISTED = """
select version, body from catalogue_entity
where kind = 'component' and name = :name and not removed
  and body ->> 'component_kind' = 'unlisted' and body ->> 'owner' is null
for update
"""


@dataclass(frozen=True, slots=True)
class InForce:
    """The catalogue that is in force, with what stands on what worked out."""

    version: int
    catalogue: Catalogue


_worked_out: OrderedDict[UUID, Catalogue] = OrderedDict()
_REMEMBER = 4


async def in_force(conn: AsyncConnection) -> InForce:
    """Give the catalogue in force. It is worked out once for each revision."""
    return await _of_state(conn, await row(conn, _STATE))


async def take_turn(work: Work) -> InForce:
    """Give the catalogue in force, and keep others from diagnosing or replacing it meanwhile."""
    return await _of_state(work.conn, await row(work.conn, _TAKE_TURN))


async def _of_state(conn: AsyncConnection, state: Row | None) -> InForce:
    if state is None:
        raise LookupError("catalogue_state has lost its row")
    revision = state["revision"]
    catalogue = _worked_out.get(revision)
    if catalogue is None:
        catalogue = _worked_out[revision] = Catalogue(await entities(conn))
        if len(_worked_out) > _REMEMBER:
            _worked_out.popitem(last=False)
    return InForce(state["version"], catalogue)


async def entities(conn: AsyncConnection) -> list[Entity]:
    """Give all entities, unlisted ones too."""
    return [_read(it["body"]) for it in await rows(conn, _ENTITIES)]


def _read(body: Any) -> Entity:
    return _ENTITY.validate_python(from_json(body))


async def kept(conn: AsyncConnection) -> dict[EntityKey, Kept]:
    """Give all that is kept, what was removed too."""
    found = (
        Kept(_read(it["body"]), it["version"], it["removed"]) for it in await rows(conn, _ALL_KEPT)
    )
    return {key_of(it.entity): it for it in found}


async def is_named(conn: AsyncConnection, component: str) -> bool:
    """Tell whether a component is in the catalogue, if only as unlisted."""
    return await row(conn, _IS_NAMED, name=component) is not None


async def write(work: Work, replacement: Replacement) -> int:
    """Take over what changes and give the new version; the turn must have been taken."""
    changed, removed = replacement.changed, replacement.removed
    if changed:
        await _write(work, changed)
    if removed:
        await run(
            work.conn,
            _REMOVE,
            kinds=[kind for (kind, _), _ in removed],
            names=[name for (_, name), _ in removed],
            versions=[version for _, version in removed],
            now=work.now,
        )
    return await _next_version(work)


async def _write(work: Work, changed: Sequence[tuple[Entity, int]]) -> None:
    await run(
        work.conn,
        _WRITE,
        kinds=[entity.kind for entity, _ in changed],
        names=[entity.name for entity, _ in changed],
        versions=[version for _, version in changed],
        bodies=[as_json(entity) for entity, _ in changed],
        now=work.now,
    )


async def _next_version(work: Work) -> int:
    state = await row(work.conn, _NEXT_VERSION, revision=uuid4())
    if state is None:
        raise LookupError("catalogue_state has lost its row")
    return int(state["version"])


async def join(work: Work, names: Iterable[str]) -> list[tuple[Component, int]]:
    """Take unknown components in as unlisted; give those that are new, with their versions.

    The version of the catalogue stays: nothing is known of what stands on them.
    """
    unlisted = {name: Component(name=name, component_kind=ComponentKind.UNLISTED) for name in names}
    if not unlisted:
        return []
    joined = await rows(
        work.conn,
        _JOIN,
        names=list(unlisted),
        bodies=[as_json(component) for component in unlisted.values()],
        now=work.now,
    )
    return [(unlisted[it["name"]], it["version"]) for it in joined]


async def give_owner(work: Work, name: str, owner: str) -> tuple[Component, int] | None:
    """Note who owns an unlisted component; None when it is listed or has an owner.

    The turn must have been taken.
    """
    found = await row(work.conn, _UNLISTED, name=name)
    if found is None:
        return None
    owned = Component.model_validate({**from_json(found["body"]), "owner": owner})
    version = found["version"] + 1
    await _write(work, [(owned, version)])
    await _next_version(work)
    return owned, version
