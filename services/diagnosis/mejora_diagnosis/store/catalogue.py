"""The catalogue: which one is in force, its entities, and those of every version before.

Components that join as unlisted make no new version: nothing is known of what stands on them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
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
with next as (
    update catalogue_state set version = version + 1, revision = :revision
    returning version, revision
)
insert into catalogue_version (version, revision, made_at)
select version, revision, :now from next
returning version
"""

_VERSION = "select version, revision from catalogue_version where version = :version"

_KEPT_VERSIONS = "select min(version) as oldest, max(version) as newest from catalogue_version"

# The entities as they were in a version, with what joined while it was in force.
_ENTITIES_OF_VERSION = """
select body from (
    select distinct on (kind, name) kind, name, body from catalogue_history
    where catalogue_version <= :version
    order by kind, name, catalogue_version desc
) as of_version
where body is not null
order by kind, name
"""

_NAMED_IN_VERSION = """
select distinct on (h.kind, h.name) h.body
from unnest(cast(:kinds as text[]), cast(:names as text[])) as n (kind, name)
join catalogue_history h using (kind, name)
where h.catalogue_version <= :version
order by h.kind, h.name, h.catalogue_version desc
"""

_ROLES = """
select name from catalogue_entity where kind = 'role' and not removed order by name limit :most
"""

_ENTITIES = "select body from catalogue_entity where not removed order by kind, name"

_ALL_KEPT = "select version, body, removed from catalogue_entity"

_WAS_NAMED = """
select body is not null as named from catalogue_history
where kind = 'component' and name = :name and catalogue_version <= :version
order by catalogue_version desc
limit 1
"""

_INTO_HISTORY = """
insert into catalogue_history (kind, name, catalogue_version, body)
select kind, name, cast(:catalogue_version as bigint), case when removed then null else body end
from written
on conflict (kind, name, catalogue_version) do update set body = excluded.body
"""

_WRITE = f"""
with written as (
    insert into catalogue_entity (kind, name, version, body, changed_at)
    select e.kind, e.name, e.version, cast(e.body as jsonb), :now
    from unnest(cast(:kinds as text[]), cast(:names as text[]), cast(:versions as integer[]),
                cast(:bodies as text[])) as e (kind, name, version, body)
    on conflict (kind, name) do update
    set version = excluded.version, body = excluded.body, changed_at = excluded.changed_at,
        removed = false
    returning kind, name, version, body, removed
)
{_INTO_HISTORY}
"""

_REMOVE = f"""
with written as (
    update catalogue_entity as kept
    set version = e.version, removed = true, changed_at = :now
    from unnest(cast(:kinds as text[]), cast(:names as text[]), cast(:versions as integer[]))
         as e (kind, name, version)
    where kept.kind = e.kind and kept.name = e.name
    returning kept.kind, kept.name, kept.body, kept.removed
)
{_INTO_HISTORY}
"""

# Takes in components that incidents named and nobody described; tells which of them are new.
_JOIN = f"""
with written as (
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
    returning kind, name, version, body, removed
), kept as ({_INTO_HISTORY})
select name, version from written
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
_REMEMBER = 3
"""Catalogues that are worked out at a time: one of 10,000 components takes up to 30 MB."""


class NoSuchVersion(LookupError):
    """No catalogue of this version is kept."""

    def __init__(self, oldest: int, newest: int) -> None:
        super().__init__(f"versions {oldest} to {newest} are kept")
        self.oldest, self.newest = oldest, newest


async def in_force(conn: AsyncConnection) -> InForce:
    """Give the catalogue in force. It is worked out once for each revision."""
    return await _of_state(conn, await row(conn, _STATE))


async def take_turn(work: Work) -> InForce:
    """Give the catalogue in force, and keep others from diagnosing or replacing it meanwhile."""
    return await _of_state(work.conn, await row(work.conn, _TAKE_TURN))


async def of_version(conn: AsyncConnection, version: int) -> InForce:
    """Give the catalogue that was in force as a version. Raises NoSuchVersion."""
    found = await row(conn, _VERSION, version=version)
    if found is None:
        raise await _no_such_version(conn)
    return await _of_state(conn, found)


async def _no_such_version(conn: AsyncConnection) -> NoSuchVersion:
    kept_versions = await row(conn, _KEPT_VERSIONS)
    if kept_versions is None:
        raise LookupError("catalogue_version has lost its rows")
    return NoSuchVersion(kept_versions["oldest"], kept_versions["newest"])


async def _of_state(conn: AsyncConnection, state: Row | None) -> InForce:
    if state is None:
        raise LookupError("catalogue_state has lost its row")
    version, revision = state["version"], state["revision"]
    catalogue = _worked_out.get(revision)
    if catalogue is None:
        catalogue = await _work_out(conn, version)
        _worked_out[revision] = catalogue
        if len(_worked_out) > _REMEMBER:
            _worked_out.popitem(last=False)
    elif next(reversed(_worked_out)) != revision:
        _worked_out.move_to_end(revision)
    return InForce(version, catalogue)


async def _work_out(conn: AsyncConnection, version: int) -> Catalogue:
    """Read a version and work it out, in a thread: that may take a second."""
    found = await rows(conn, _ENTITIES_OF_VERSION, version=version)
    former = next(reversed(_worked_out.values())) if _worked_out else None

    def work_out() -> Catalogue:
        return Catalogue([_read(it["body"]) for it in found], version, former)

    return await asyncio.to_thread(work_out)


async def entities(conn: AsyncConnection, version: int | None = None) -> list[Entity]:
    """Give all entities, unlisted ones too; of a version that was in force, or of now.

    Raises NoSuchVersion.
    """
    if version is None:
        return [_read(it["body"]) for it in await rows(conn, _ENTITIES)]
    if await row(conn, _VERSION, version=version) is None:
        raise await _no_such_version(conn)
    found = await rows(conn, _ENTITIES_OF_VERSION, version=version)
    return [_read(it["body"]) for it in found]


def _read(body: Any) -> Entity:
    return _ENTITY.validate_python(from_json(body))


async def named(
    conn: AsyncConnection, version: int, keys: Collection[EntityKey]
) -> dict[EntityKey, Entity]:
    """Give some entities as they were in a version; one that was not there is left out."""
    found = await rows(
        conn,
        _NAMED_IN_VERSION,
        kinds=[kind for kind, _ in keys],
        names=[name for _, name in keys],
        version=version,
    )
    return {key_of(it): it for one in found if one["body"] for it in [_read(one["body"])]}


async def roles(conn: AsyncConnection, most: int) -> list[str]:
    """Name the owner roles."""
    return [it["name"] for it in await rows(conn, _ROLES, most=most)]


async def kept(conn: AsyncConnection) -> dict[EntityKey, Kept]:
    """Give all that is kept, what was removed too."""
    found = (
        Kept(_read(it["body"]), it["version"], it["removed"]) for it in await rows(conn, _ALL_KEPT)
    )
    return {key_of(it.entity): it for it in found}


async def was_named(conn: AsyncConnection, component: str, version: int) -> bool:
    """Tell whether a component was in a version of the catalogue, if only as unlisted."""
    found = await row(conn, _WAS_NAMED, name=component, version=version)
    return found is not None and found["named"]


async def write(work: Work, replacement: Replacement) -> int:
    """Take over what changes and give the new version; the turn must have been taken."""
    changed, removed = replacement.changed, replacement.removed
    version = await _next_version(work)
    if changed:
        await _write(work, changed, version)
    if removed:
        await run(
            work.conn,
            _REMOVE,
            kinds=[kind for (kind, _), _ in removed],
            names=[name for (_, name), _ in removed],
            versions=[version for _, version in removed],
            catalogue_version=version,
            now=work.now,
        )
    return version


async def _write(work: Work, changed: Sequence[tuple[Entity, int]], catalogue_version: int) -> None:
    await run(
        work.conn,
        _WRITE,
        kinds=[entity.kind for entity, _ in changed],
        names=[entity.name for entity, _ in changed],
        versions=[version for _, version in changed],
        bodies=[as_json(entity) for entity, _ in changed],
        catalogue_version=catalogue_version,
        now=work.now,
    )


async def _next_version(work: Work) -> int:
    state = await row(work.conn, _NEXT_VERSION, revision=uuid4(), now=work.now)
    if state is None:
        raise LookupError("catalogue_state has lost its row")
    return int(state["version"])


async def join(work: Work, names: Iterable[str], version: int) -> list[tuple[Component, int]]:
    """Take unknown components into the version in force as unlisted; give those that are new.

    Each comes with its own version; that of the catalogue stays.
    """
    unlisted = {name: Component(name=name, component_kind=ComponentKind.UNLISTED) for name in names}
    if not unlisted:
        return []
    joined = await rows(
        work.conn,
        _JOIN,
        names=list(unlisted),
        bodies=[as_json(component) for component in unlisted.values()],
        catalogue_version=version,
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
    await _write(work, [(owned, version)], await _next_version(work))
    return owned, version
