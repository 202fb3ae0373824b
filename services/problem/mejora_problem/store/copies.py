"""What other services own, as they told it: workarounds, changes, the catalogue."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Money
from mejora_events.contracts.catalogue import (
    CatalogueEntityChanged,
    CatalogueEntityRemoved,
    Component,
    Contract,
    OwnerRole,
)
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.workarounds import Workaround, WorkaroundState
from mejora_events.sql import as_json, from_json, rows, run
from mejora_problem.model.costs import Prices
from mejora_problem.model.patches import worked

# The newest version of each workaround counts, whatever the order in which they come.
_KEEP_WORKAROUNDS = """
insert into workaround (workaround_id, signature_id, version, state, worked, due_at, body)
select n.workaround_id, n.signature_id, n.version, n.state, n.worked, n.due_at,
       cast(n.body as jsonb)
from unnest(cast(:workaround_ids as uuid[]), cast(:signature_ids as text[]),
            cast(:versions as integer[]), cast(:states as text[]), cast(:worked as boolean[]),
            cast(:due_at as timestamptz[]), cast(:bodies as text[]))
     as n (workaround_id, signature_id, version, state, worked, due_at, body)
order by n.workaround_id
on conflict (workaround_id) do update
set version = excluded.version, state = excluded.state, worked = excluded.worked,
    due_at = excluded.due_at, body = excluded.body
where workaround.version < excluded.version
"""

_WORKAROUNDS_OF_SIGNATURES = """
select signature_id, body from workaround
where signature_id = any(cast(:signature_ids as text[]))
order by workaround_id
"""

# The signatures that live on a workaround now.
_PATCHED_SIGNATURES = "select distinct signature_id from workaround where state = :applied"

# A component's changes and the plans of its fixes are written one after the other: whichever
# comes second sees the other.
_HOLD_COMPONENTS = """
select pg_advisory_xact_lock(hashtextextended('mejora-changes:' || c.component, 0))
from (select component from unnest(cast(:components as text[])) as n (component)
      order by component) as c
"""

_KEEP_CHANGES = """
insert into change (change_id, component, version, changed_at, instances)
select n.change_id, n.component, n.version, n.changed_at,
       array(select jsonb_array_elements_text(cast(n.instances as jsonb)))
from unnest(cast(:change_ids as uuid[]), cast(:components as text[]), cast(:versions as text[]),
            cast(:changed_at as timestamptz[]), cast(:instances as text[]))
     as n (change_id, component, version, changed_at, instances)
on conflict do nothing
"""

# The signatures of fixes that one of these changes carries, named by its version or its id.
_SIGNATURES_CARRIED = """
select distinct f.signature_id
from unnest(cast(:components as text[]), cast(:carriers as text[])) as n (component, carried_by)
join fix f using (component, carried_by)
"""

_KEEP_ENTITIES = """
insert into catalogue_entity (kind, name, version, body)
select n.kind, n.name, n.version, cast(n.body as jsonb)
from unnest(cast(:kinds as text[]), cast(:names as text[]), cast(:versions as integer[]),
            cast(:bodies as text[])) as n (kind, name, version, body)
order by n.kind, n.name
on conflict (kind, name) do update
set version = excluded.version, body = excluded.body
where catalogue_entity.version < excluded.version
"""

_ENTITIES = """
select body from catalogue_entity
where kind = :kind and name = any(cast(:names as text[])) and body is not null
"""


async def keep_workarounds(conn: AsyncConnection, workarounds: Iterable[Workaround]) -> None:
    """Keep the newest version of each workaround."""
    newest: dict[object, Workaround] = {}
    for one in workarounds:
        known = newest.get(one.workaround_id)
        if known is None or known.version < one.version:
            newest[one.workaround_id] = one
    listed = list(newest.values())
    await run(
        conn,
        _KEEP_WORKAROUNDS,
        workaround_ids=[one.workaround_id for one in listed],
        signature_ids=[one.signature_id for one in listed],
        versions=[one.version for one in listed],
        states=[one.state.value for one in listed],
        worked=[worked(one) for one in listed],
        due_at=[one.due_at for one in listed],
        bodies=[as_json(one) for one in listed],
    )


async def workarounds_of(
    conn: AsyncConnection, signature_ids: Iterable[str]
) -> Mapping[str, Sequence[Workaround]]:
    """Give the workarounds of these signatures, in the order in which they were applied."""
    ids = sorted(set(signature_ids))
    found: dict[str, list[Workaround]] = {signature_id: [] for signature_id in ids}
    for one in await rows(conn, _WORKAROUNDS_OF_SIGNATURES, signature_ids=ids):
        workaround = Workaround.model_validate(from_json(one["body"]))
        found[one["signature_id"]].append(workaround)
    return found


async def patched_signatures(conn: AsyncConnection) -> list[str]:
    """Name the signatures that live on a workaround now."""
    found = await rows(conn, _PATCHED_SIGNATURES, applied=WorkaroundState.APPLIED.value)
    return [one["signature_id"] for one in found]


async def hold_components(conn: AsyncConnection, components: Iterable[str]) -> None:
    """Let nobody else record changes or plan fixes of these components until we commit."""
    await rows(conn, _HOLD_COMPONENTS, components=sorted(set(components)))


async def keep_changes(conn: AsyncConnection, changes: Sequence[ChangeRecorded]) -> Sequence[str]:
    """Keep changes of components that are held; name the signatures whose fixes they carry."""
    await run(
        conn,
        _KEEP_CHANGES,
        change_ids=[one.change_id for one in changes],
        components=[one.component for one in changes],
        versions=[one.version for one in changes],
        changed_at=[one.changed_at for one in changes],
        instances=[as_json(one.instances) for one in changes],
    )
    carriers = {
        (one.component, name) for one in changes for name in (one.version, str(one.change_id))
    }
    found = await rows(
        conn,
        _SIGNATURES_CARRIED,
        components=[component for component, _ in carriers],
        carriers=[carrier for _, carrier in carriers],
    )
    return [one["signature_id"] for one in found]


async def keep_entities(
    conn: AsyncConnection, told: Iterable[CatalogueEntityChanged | CatalogueEntityRemoved]
) -> None:
    """Keep the newest version of each entity of the catalogue."""
    newest: dict[str, CatalogueEntityChanged | CatalogueEntityRemoved] = {}
    for one in told:
        known = newest.get(one.key())
        if known is None or known.version < one.version:
            newest[one.key()] = one
    listed = list(newest.values())
    entities = [one.entity if isinstance(one, CatalogueEntityChanged) else one for one in listed]
    await run(
        conn,
        _KEEP_ENTITIES,
        kinds=[entity.kind for entity in entities],
        names=[entity.name for entity in entities],
        versions=[one.version for one in listed],
        bodies=[
            as_json(one.entity) if isinstance(one, CatalogueEntityChanged) else None
            for one in listed
        ],
    )


async def superiors_of(conn: AsyncConnection, owners: Iterable[str]) -> Mapping[str, str]:
    """Give each role's superior role, where the catalogue names one."""
    found = await rows(conn, _ENTITIES, kind="role", names=sorted(set(owners)))
    roles = [OwnerRole.model_validate(from_json(one["body"])) for one in found]
    return {role.name: role.superior for role in roles if role.superior}


async def prices_of(
    conn: AsyncConnection,
    components: Iterable[str],
    contracts: Iterable[str],
    default_labour_per_hour: Money | None,
) -> Prices:
    """Give what these components and contracts cost, by the catalogue."""
    known = await rows(conn, _ENTITIES, kind="component", names=sorted(set(components)))
    listed = [Component.model_validate(from_json(one["body"])) for one in known]
    known = await rows(conn, _ENTITIES, kind="contract", names=sorted(set(contracts)))
    signed = [Contract.model_validate(from_json(one["body"])) for one in known]
    return Prices(
        cost_per_minute={one.name: one.cost_per_minute for one in listed if one.cost_per_minute},
        labour_per_hour={
            one.name: one.handling_rate_per_hour for one in listed if one.handling_rate_per_hour
        },
        penalty_per_minute={
            one.name: one.penalty_per_minute for one in signed if one.penalty_per_minute
        },
        default_labour_per_hour=default_labour_per_hour,
    )
