"""In which stretches of time what failed where: how usual it is."""

from collections.abc import Collection, Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.cascade import KEPT_SLOTS, Habits, slot_of
from mejora_diagnosis.store.incidents import FailedAt
from mejora_events.sql import rows, run

_NOTE_SLOTS = """
insert into failing_slot (slot) select unnest(cast(:slots as bigint[])) order by 1
on conflict do nothing
"""

_NOTE = """
insert into habit (kind, slot, component)
select * from unnest(cast(:kinds as text[]), cast(:slots as bigint[]), cast(:components as text[]))
     as h (kind, slot, component)
order by 1, 2, 3
on conflict do nothing
"""

# A bit for each of the last slots before one in which anything failed, the nearest first.
_BEFORE = """
with slots as materialized (
    select slot, cast(row_number() over (order by slot desc) - 1 as integer) as place
    from (select slot from failing_slot where slot < :slot order by slot desc limit :kept) as last
)
select h.kind, h.component, bit_or(cast(1 as bigint) << s.place) as slots
from habit h join slots s using (slot)
where h.kind = any(cast(:kinds as text[])) and h.slot < :slot
  and h.slot >= (select min(slot) from slots)
group by h.kind, h.component
"""

_COUNT = """
select count(*) as slots
from (select from failing_slot where slot < :slot order by slot desc limit :kept) as last
"""


async def note(conn: AsyncConnection, failed: Iterable[FailedAt], window_minutes: int) -> None:
    """Note in which stretches of time what failed where."""
    habits = {(it.kind, slot_of(it.minute, window_minutes), it.component) for it in failed}
    if not habits:
        return
    kinds, slots, components = zip(*habits, strict=True)
    await run(conn, _NOTE_SLOTS, slots=list(set(slots)))
    await run(conn, _NOTE, kinds=list(kinds), slots=list(slots), components=list(components))


async def before(conn: AsyncConnection, slot: int, kinds: Collection[str]) -> Habits:
    """Tell in which of the last stretches of time before one these kinds of failure came up."""
    (counted,) = await rows(conn, _COUNT, slot=slot, kept=KEPT_SLOTS)
    if not counted["slots"]:
        return Habits()
    fired: dict[str, dict[str, int]] = {}
    for it in await rows(conn, _BEFORE, slot=slot, kinds=sorted(kinds), kept=KEPT_SLOTS):
        fired.setdefault(it["kind"], {})[it["component"]] = it["slots"]
    return Habits(counted["slots"], fired)
