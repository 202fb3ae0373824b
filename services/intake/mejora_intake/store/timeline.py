"""What happened to incidents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.ids import IncidentId, new_id
from mejora_events.sql import Row, rows, run
from mejora_events.store import Work

_NOTE = """
insert into timeline (entry_id, incident_id, at, recorded_at, what, actor, note)
select t.entry_id, t.incident_id, t.at, :recorded_at, t.what, t.actor, t.note
from unnest(cast(:entry_ids as uuid[]), cast(:incident_ids as uuid[]),
            cast(:ats as timestamptz[]), cast(:whats as text[]), cast(:actors as text[]),
            cast(:notes as text[])) as t (entry_id, incident_id, at, what, actor, note)
"""

_TIMELINE = """
select at, recorded_at, what, actor, note from timeline
where incident_id = :incident_id order by at, entry_id
"""


@dataclass(frozen=True, slots=True)
class Note:
    """An entry of an incident's timeline."""

    incident_id: IncidentId
    at: datetime
    what: str
    actor: str
    note: str = ""


async def note(work: Work, notes: Sequence[Note]) -> None:
    """Add entries to timelines."""
    if notes:
        await run(
            work.conn,
            _NOTE,
            recorded_at=work.now,
            entry_ids=[new_id() for _ in notes],
            incident_ids=[n.incident_id for n in notes],
            ats=[n.at for n in notes],
            whats=[n.what for n in notes],
            actors=[n.actor for n in notes],
            notes=[n.note for n in notes],
        )


async def timeline(conn: AsyncConnection, incident_id: UUID) -> Sequence[Row]:
    """Give all that happened to an incident, in the order in which it happened."""
    return await rows(conn, _TIMELINE, incident_id=incident_id)
