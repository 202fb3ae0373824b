"""Maintenance windows and silences, with how many signals each suppressed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.sql import Row, as_json, from_json, row, rows, run
from mejora_events.store import Work
from mejora_intake.silences import Silence, SilenceKind

_REVISION = "select revision from silence_revision"

_NEXT_REVISION = "update silence_revision set revision = revision + 1 returning revision"

_DECLARE = """
insert into silence (silence_id, kind, components, processes, labels, sources, starts_at, ends_at,
                     reason, declared_by, declared_at, revision)
values (:silence_id, :kind, :components, :processes, cast(:labels as jsonb), :sources, :starts_at,
        :ends_at, :reason, :declared_by, :declared_at, :revision)
returning *
"""

_END = """
update silence set ended_at = :ended_at, ended_by = :ended_by, revision = :revision
where silence_id = :silence_id returning *
"""

_ONE = "select * from silence where silence_id = :silence_id"

_HELD = "select * from silence where silence_id = :silence_id for update"

_CHANGED = "select * from silence where revision > :revision"

# The newest first; `least` passes over what is null.
_LIST = """
select * from silence
where (cast(:after as uuid) is null or silence_id < :after)
  and case cast(:state as text)
          when 'expired' then least(ends_at, ended_at) <= :now
          when 'active' then starts_at <= :now and least(ends_at, ended_at) > :now
          when 'scheduled' then starts_at > :now and least(ends_at, ended_at) > :now
          else true
      end
order by silence_id desc limit :limit
"""

# Two instances that count for the same silences wait for each other in the same order.
_COUNT = """
with held as (
    select silence_id from silence where silence_id = any(cast(:silence_ids as uuid[]))
    order by silence_id for update
)
update silence set suppressed = suppressed + n.more
from held join unnest(cast(:silence_ids as uuid[]), cast(:mores as integer[]))
          as n (silence_id, more) using (silence_id)
where silence.silence_id = held.silence_id
"""


async def revision(conn: AsyncConnection) -> int:
    """Tell how often silences, or the catalogue's copy that they are matched by, were changed."""
    found = await row(conn, _REVISION)
    return int(found["revision"]) if found else 0


async def next_revision(work: Work) -> int:
    """Give the number of a change; until the commit nobody else gets one."""
    (found,) = await rows(work.conn, _NEXT_REVISION)
    return int(found["revision"])


async def declare(work: Work, silence: Silence) -> Row:
    """Keep a new silence."""
    (declared,) = await rows(
        work.conn,
        _DECLARE,
        revision=await next_revision(work),
        silence_id=silence.silence_id,
        kind=silence.kind.value,
        components=list(silence.components),
        processes=list(silence.processes),
        labels=as_json(silence.labels),
        sources=list(silence.sources),
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        reason=silence.reason,
        declared_by=silence.declared_by,
        declared_at=silence.declared_at,
    )
    return declared


async def end(work: Work, silence_id: UUID) -> Row:
    """Note that a silence, held before, is over now, and who ended it."""
    (ended,) = await rows(
        work.conn,
        _END,
        revision=await next_revision(work),
        silence_id=silence_id,
        ended_at=work.now,
        ended_by=work.actor,
    )
    return ended


async def hold_silence(work: Work, silence_id: UUID) -> Row | None:
    """Give a silence, held until the commit."""
    return await row(work.conn, _HELD, silence_id=silence_id)


async def one_silence(conn: AsyncConnection, silence_id: UUID) -> Row | None:
    """Give a silence and how many signals it suppressed."""
    return await row(conn, _ONE, silence_id=silence_id)


async def list_silences(
    conn: AsyncConnection, *, after: UUID | None, limit: int, state: str | None, now: datetime
) -> Sequence[Row]:
    """Give silences, those in a state or all, with how many signals each suppressed."""
    return await rows(conn, _LIST, after=after, limit=limit, state=state, now=now)


async def changed_silences(conn: AsyncConnection, *, after_revision: int) -> list[Silence]:
    """Give the silences that were declared or ended later."""
    return [silence_of(r) for r in await rows(conn, _CHANGED, revision=after_revision)]


async def count_suppressed(work: Work, counts: Mapping[UUID, int]) -> None:
    """Count signals for the silences that suppressed them."""
    if counts:
        await run(work.conn, _COUNT, silence_ids=list(counts), mores=list(counts.values()))


def silence_of(found: Row) -> Silence:
    """Read the silence of a row."""
    return Silence(
        silence_id=found["silence_id"],
        kind=SilenceKind(found["kind"]),
        components=tuple(found["components"]),
        processes=tuple(found["processes"]),
        labels=from_json(found["labels"]),
        sources=tuple(found["sources"]),
        starts_at=found["starts_at"],
        ends_at=found["ends_at"],
        reason=found["reason"],
        declared_by=found["declared_by"],
        declared_at=found["declared_at"],
        ended_at=found["ended_at"],
        ended_by=found["ended_by"],
    )
