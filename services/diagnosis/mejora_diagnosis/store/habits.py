"""In which stretches of time what failed where: how usual it is, and until when that matters."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.cascade import KEPT_SLOTS, Habits, slot_of
from mejora_diagnosis.store.incidents import FailedAt
from mejora_events.sql import rows, run

MOST_FORGOTTEN = 10_000
"""Rows of a table that one round takes away: a short transaction, however much there is."""

_NOTE = """
with noted as (
    insert into failing_slot (slot, noted_at)
    select distinct slot, cast(:now as timestamptz)
    from unnest(cast(:slots as bigint[])) as s (slot)
    order by 1
    on conflict (slot) do update set noted_at = excluded.noted_at
    where failing_slot.noted_at < excluded.noted_at - interval '1 hour'
)
insert into habit (kind, slot, component)
select * from unnest(cast(:kinds as text[]), cast(:slots as bigint[]), cast(:components as text[]))
     as h (kind, slot, component)
order by 1, 2, 3
on conflict do nothing
"""

# The last slots in which anything failed before any of those asked for, the nearest first.
_LAST = """
select distinct last.slot
from unnest(cast(:slots as bigint[])) as asked (slot)
cross join lateral (
    select slot from failing_slot where slot < asked.slot order by slot desc limit :kept
) as last
order by last.slot desc
"""

# In which of some slots, by their place in the list, kinds of failure came up where.
_FIRED = """
select h.kind, h.component, array_agg(cast(s.place as integer) - 1) as places
from habit h
join unnest(cast(:slots as bigint[])) with ordinality as s (slot, place) using (slot)
where h.kind = any(cast(:kinds as text[])) and h.slot >= :earliest
group by h.kind, h.component
"""

# Whoever diagnoses waits for these, and is never waited for.
_HOLD_OLD = """
select slot from failing_slot
where noted_at < :noted_before
  and slot < (select min(slot)
              from (select slot from failing_slot order by slot desc limit :kept) as last)
order by slot
limit 100
for update skip locked
"""

_FORGET_HABITS = """
delete from habit where ctid = any(array(
    select ctid from habit where slot = any(cast(:slots as bigint[]))
    limit :most
    for update skip locked
))
"""

_FORGET_FAILING = """
delete from failing where ctid = any(array(
    select f.ctid
    from unnest(cast(:slots as bigint[])) as s (slot)
    join failing f on f.minute >= s.slot * :minutes and f.minute < (s.slot + 1) * :minutes
    limit :most
    for update of f skip locked
))
"""

_FORGET_SLOTS = """
delete from failing_slot
where slot = any(cast(:slots as bigint[]))
  and not exists (select from habit h where h.slot = failing_slot.slot)
  and not exists (
      select from failing f
      where f.minute >= failing_slot.slot * :minutes
        and f.minute < (failing_slot.slot + 1) * :minutes
  )
"""


async def note(
    conn: AsyncConnection, failed: Iterable[FailedAt], window_minutes: int, now: datetime
) -> None:
    """Note in which stretches of time what failed where."""
    habits = {(it.kind, slot_of(it.minute, window_minutes), it.component) for it in failed}
    if not habits:
        return
    kinds, slots, components = zip(*habits, strict=True)
    await run(
        conn, _NOTE, kinds=list(kinds), slots=list(slots), components=list(components), now=now
    )


async def before(conn: AsyncConnection, kinds: Mapping[int, Collection[str]]) -> dict[int, Habits]:
    """Tell in which of the last stretches of time before some the kinds asked for came up."""
    last = [it["slot"] for it in await rows(conn, _LAST, slots=list(kinds), kept=KEPT_SLOTS)]
    if not last:
        return dict.fromkeys(kinds, Habits())
    fired: dict[str, list[tuple[str, int]]] = {}
    for it in await rows(
        conn,
        _FIRED,
        slots=last,
        kinds=sorted({kind for asked in kinds.values() for kind in asked}),
        earliest=last[-1],
    ):
        slots = sum(1 << place for place in it["places"])
        fired.setdefault(it["kind"], []).append((it["component"], slots))
    return {slot: _before(slot, asked, last, fired) for slot, asked in kinds.items()}


def _before(
    slot: int,
    kinds: Collection[str],
    last: Sequence[int],
    fired: Mapping[str, Sequence[tuple[str, int]]],
) -> Habits:
    """Leave out what came at that time or later, and what is too long ago."""
    later = sum(it >= slot for it in last)
    kept = min(len(last) - later, KEPT_SLOTS)
    return Habits(
        kept,
        {
            kind: {
                component: earlier
                for component, slots in fired.get(kind, ())
                if (earlier := slots >> later & (1 << kept) - 1)
            }
            for kind in kinds
        },
    )


async def forget(
    conn: AsyncConnection, *, kept_slots: int, noted_before: datetime, window_minutes: int
) -> None:
    """Forget some of what failed longer ago than so many stretches in which anything did."""
    held = await rows(conn, _HOLD_OLD, kept=kept_slots, noted_before=noted_before)
    slots = [it["slot"] for it in held]
    if not slots:
        return
    minutes = 2 * window_minutes
    await run(conn, _FORGET_HABITS, slots=slots, most=MOST_FORGOTTEN)
    await run(conn, _FORGET_FAILING, slots=slots, minutes=minutes, most=MOST_FORGOTTEN)
    await run(conn, _FORGET_SLOTS, slots=slots, minutes=minutes)
