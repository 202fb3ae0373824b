"""Workarounds, as they stand now."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.workarounds import Workaround, WorkaroundState
from mejora_events.sql import Row, as_json, from_json, row, rows, run

# Keeps a fix of the fault from being noted as verified while a workaround of it is being applied.
_HOLD_FAULTS = """
select signature_id from signature where signature_id = any(cast(:signature_ids as text[]))
order by signature_id
for update
"""

_ADD = """
insert into workaround (workaround_id, incident_id, signature_id, state, description, applied_at,
                        due_at, body)
values (:workaround_id, :incident_id, :signature_id, :state, :description, :applied_at, :due_at,
        cast(:body as jsonb))
"""

_UPDATE = """
update workaround as kept
set state = w.state, due_at = w.due_at, overdue_since = w.overdue_since,
    body = cast(w.body as jsonb)
from unnest(cast(:workaround_ids as uuid[]), cast(:states as text[]),
            cast(:due_at as timestamptz[]), cast(:overdue_since as timestamptz[]),
            cast(:bodies as text[])) as w (workaround_id, state, due_at, overdue_since, body)
where kept.workaround_id = w.workaround_id
"""

_FIND = "select body from workaround where workaround_id = :workaround_id"

_HOLD_APPLIED = """
select body from workaround
where signature_id = any(cast(:signature_ids as text[])) and state = 'applied'
order by workaround_id
for update
"""

# Another instance may be changing one of them; its turn comes with the next round.
_HOLD_OVERDUE = """
select body from workaround
where state = 'applied' and overdue_since is null and due_at < :now
order by due_at
limit :most
for update skip locked
"""

_LIST = """
select body from workaround
where (cast(:after as uuid) is null or workaround_id < :after)
  and (cast(:incident_id as uuid) is null or incident_id = :incident_id)
  and (cast(:signature_id as text) is null or signature_id = :signature_id)
  and (cast(:state as text) is null or state = :state)
order by workaround_id desc
limit :limit
"""


async def hold_faults(conn: AsyncConnection, signature_ids: Collection[str]) -> None:
    """Keep others from applying workarounds of these faults, or ending them, until the commit."""
    await rows(conn, _HOLD_FAULTS, signature_ids=list(signature_ids))


async def add(conn: AsyncConnection, workaround: Workaround) -> None:
    """Keep a new workaround."""
    await run(
        conn,
        _ADD,
        workaround_id=workaround.workaround_id,
        incident_id=workaround.incident_id,
        signature_id=workaround.signature_id,
        state=workaround.state,
        description=workaround.description,
        applied_at=workaround.applied_at,
        due_at=workaround.due_at,
        body=as_json(workaround),
    )


async def update(conn: AsyncConnection, workarounds: Sequence[Workaround]) -> None:
    """Keep the next versions of workarounds that are held."""
    if not workarounds:
        return
    await run(
        conn,
        _UPDATE,
        workaround_ids=[it.workaround_id for it in workarounds],
        states=[it.state for it in workarounds],
        due_at=[it.due_at for it in workarounds],
        overdue_since=[it.overdue_since for it in workarounds],
        bodies=[as_json(it) for it in workarounds],
    )


async def find(conn: AsyncConnection, workaround_id: UUID) -> Workaround | None:
    """Give a workaround as it stands."""
    found = await row(conn, _FIND, workaround_id=workaround_id)
    return _read(found) if found else None


async def find_and_hold(conn: AsyncConnection, workaround_id: UUID) -> Workaround | None:
    """Give a workaround and keep others from changing it until the commit."""
    found = await row(conn, f"{_FIND} for update", workaround_id=workaround_id)
    return _read(found) if found else None


async def hold_applied(conn: AsyncConnection, signature_ids: Collection[str]) -> list[Workaround]:
    """Hold the workarounds of these faults that are in use."""
    found = await rows(conn, _HOLD_APPLIED, signature_ids=list(signature_ids))
    return [_read(it) for it in found]


async def hold_overdue(conn: AsyncConnection, now: datetime, most: int) -> list[Workaround]:
    """Hold workarounds that should be gone by now and are not yet noted as overdue."""
    return [_read(it) for it in await rows(conn, _HOLD_OVERDUE, now=now, most=most)]


async def listed(
    conn: AsyncConnection,
    *,
    after: UUID | None,
    limit: int,
    incident_id: UUID | None,
    signature_id: str | None,
    state: WorkaroundState | None,
) -> list[Workaround]:
    """List workarounds, the newest first."""
    found = await rows(
        conn,
        _LIST,
        after=after,
        limit=limit,
        incident_id=incident_id,
        signature_id=signature_id,
        state=state,
    )
    return [_read(it) for it in found]


def _read(found: Row) -> Workaround:
    return Workaround.model_validate(from_json(found["body"]))
