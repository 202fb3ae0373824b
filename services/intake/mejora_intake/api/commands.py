"""What intake does with an incident on a command: hold, decide by the rules, keep, emit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from mejora_events.contracts.base import Channel, EventData
from mejora_events.contracts.incidents import (
    Incident,
    IncidentAcknowledged,
    IncidentClosed,
    IncidentReopened,
    IncidentRestored,
    IncidentState,
)
from mejora_events.ids import IncidentId
from mejora_events.store import Work
from mejora_intake.model import SETTLED, acknowledge, changed_at, close, reopen, restore
from mejora_intake.store import incidents, timeline
from mejora_intake.store.timeline import Note


class UnknownIncident(LookupError):
    """There is no such incident."""


async def comment_on(work: Work, incident_id: IncidentId, *, text: str) -> None:
    """Add what somebody says to an incident's timeline. Raises UnknownIncident."""
    if await incidents.one_incident(work.conn, incident_id) is None:
        raise UnknownIncident(str(incident_id))
    await timeline.note(work, [Note(incident_id, work.now, "comment", work.actor, text)])


async def acknowledge_incident(
    work: Work, incident_id: IncidentId, *, at: datetime, note: str
) -> None:
    """Say that somebody is on it. Raises UnknownIncident and NotNow."""
    await _change(
        work,
        incident_id,
        lambda incident: acknowledge(incident, at=at, by=work.actor),
        lambda incident: IncidentAcknowledged(incident=incident),
        Note(incident_id, at, "acknowledged", work.actor, note),
    )


async def restore_incident(
    work: Work, incident_id: IncidentId, *, at: datetime, channel: Channel, note: str
) -> None:
    """Say that the service level is back. Raises UnknownIncident and NotNow."""
    await _change(
        work,
        incident_id,
        lambda incident: restore(incident, at=at, channel=channel),
        lambda incident: IncidentRestored(incident=incident, by=work.actor, note=note),
        Note(incident_id, at, f"restored ({channel.value})", work.actor, note),
    )


async def reopen_incident(work: Work, incident_id: IncidentId, *, at: datetime, note: str) -> None:
    """Say that it is failing after all. Raises UnknownIncident and NotNow."""
    await incidents.hold(work, [incident_id])
    went_on_as = (await incidents.went_on_as(work, [incident_id])).get(incident_id)
    await _change(
        work,
        incident_id,
        lambda incident: reopen(incident, at=at, went_on_as=went_on_as),
        lambda incident: IncidentReopened(
            incident=incident, reopened_at=incident.failing_since or at, reason=note
        ),
        Note(incident_id, at, "reopened", work.actor, note),
    )
    await incidents.mark_settled(work, [incident_id], settled=False)


async def close_incident(work: Work, incident_id: IncidentId, *, at: datetime, note: str) -> None:
    """Say that nothing more will be done in it. Raises UnknownIncident and NotNow."""
    await _change(
        work,
        incident_id,
        lambda incident: close(incident, at=at),
        lambda incident: IncidentClosed(incident=incident, by=work.actor, note=note),
        Note(incident_id, at, "closed", work.actor, note),
    )


async def _change(
    work: Work,
    incident_id: IncidentId,
    rule: Callable[[Incident], Incident],
    fact: Callable[[Incident], EventData],
    note: Note,
) -> None:
    held = await incidents.hold(work, [incident_id])
    if incident_id not in held:
        raise UnknownIncident(str(incident_id))
    before = held[incident_id].incident
    changed = rule(before)
    at = changed_at(before, changed)
    work.emit(fact(changed), at=at)
    notes = [replace(note, at=at)]
    if held[incident_id].is_settled and changed.state is IncidentState.RESTORED:
        changed = close(changed, at=at)
        work.emit(IncidentClosed(incident=changed, by="mejora", note=SETTLED), at=at)
        notes.append(Note(incident_id, at, "closed", "mejora", SETTLED))
    await incidents.update_incidents(work, [changed])
    await timeline.note(work, notes)
