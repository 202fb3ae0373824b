"""What intake does when it learns of something."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mejora_events.contracts.base import Channel, EventData
from mejora_events.contracts.catalogue import CatalogueEntityChanged, CatalogueEntityRemoved
from mejora_events.contracts.diagnoses import (
    DiagnosisEstablished,
    DiagnosisEvent,
    DiagnosisRevised,
)
from mejora_events.contracts.fixes import FixVerified
from mejora_events.contracts.incidents import (
    Incident,
    IncidentClosed,
    IncidentReopened,
    IncidentRestored,
    IncidentState,
)
from mejora_events.contracts.workarounds import WorkaroundApplied, WorkaroundFailed
from mejora_events.envelope import Event
from mejora_events.ids import IncidentId
from mejora_events.reactions import Reactions
from mejora_events.store import Work
from mejora_intake.model import SETTLED, NotNow, changed_at, close, reopen, restore
from mejora_intake.store import incidents, timeline
from mejora_intake.store.belonging import Told, keep_parts
from mejora_intake.store.timeline import Note


@dataclass(frozen=True, slots=True)
class Telling:
    """How a change is told: the event, and the entry of the timeline."""

    fact: Callable[[Incident], EventData]
    cause: Event[EventData]
    what: str
    actor: str
    note: str


async def change_many(
    work: Work,
    wanted: Sequence[tuple[IncidentId, Callable[[Incident], Incident], Telling]],
    *,
    reopening: bool = False,
) -> None:
    """Change incidents because of events, each where its state allows it; the others stay.

    None is reopened whose failure went on as another incident.
    """
    held = await incidents.hold(work, {incident_id for incident_id, _, _ in wanted})
    if reopening:
        for gone in await incidents.went_on_as(work, held):
            del held[gone]
    touched: dict[IncidentId, Incident] = {}
    notes: list[Note] = []
    for incident_id, rule, telling in wanted:
        if incident_id not in held:
            continue
        before = touched.get(incident_id, held[incident_id].incident)
        try:
            changed = rule(before)
        except NotNow:
            continue
        at = changed_at(before, changed)
        work.emit(telling.fact(changed), at=at, cause=telling.cause)
        notes.append(Note(incident_id, at, telling.what, telling.actor, telling.note))
        if held[incident_id].is_settled and changed.state is IncidentState.RESTORED:
            changed = close(changed, at=at)
            settling = IncidentClosed(incident=changed, by="mejora", note=SETTLED)
            work.emit(settling, at=at, cause=telling.cause)
            notes.append(Note(incident_id, at, "closed", "mejora", SETTLED))
        touched[incident_id] = changed
    await incidents.update_incidents(work, list(touched.values()))
    await timeline.note(work, notes)


async def annotate(work: Work, events: Sequence[Event[DiagnosisEvent]]) -> None:
    """Show on each incident what diagnosis says of it."""
    newest: dict[IncidentId, tuple[int, str, int, str | None]] = {}
    for event in events:
        d = event.data.diagnosis
        if d.incident_id not in newest or newest[d.incident_id][0] < d.version:
            newest[d.incident_id] = (d.version, d.signature.signature_id, d.priority, d.owner)
    await incidents.annotate(work, newest)


async def restore_over_alternate(work: Work, events: Sequence[Event[WorkaroundApplied]]) -> None:
    """A workaround carries the service: the incident is restored over the alternate channel."""
    await change_many(work, [_restored(event) for event in events])


def _restored(event: Event[WorkaroundApplied]) -> tuple[IncidentId, Any, Telling]:
    workaround = event.data.workaround

    def fact(incident: Incident) -> IncidentRestored:
        return IncidentRestored(
            incident=incident, by=workaround.applied_by, note=workaround.description
        )

    return (
        workaround.incident_id,
        lambda incident: restore(incident, at=workaround.applied_at, channel=Channel.ALTERNATE),
        Telling(
            fact,
            event,
            "restored (alternate)",
            workaround.applied_by,
            workaround.description,
        ),
    )


async def reopen_after_failed_workaround(
    work: Work, events: Sequence[Event[WorkaroundFailed]]
) -> None:
    """A workaround does not carry the service after all: the incident is failing again."""
    await change_many(work, [_reopened(event) for event in events], reopening=True)


def _reopened(event: Event[WorkaroundFailed]) -> tuple[IncidentId, Any, Telling]:
    workaround, reason = event.data.workaround, event.data.reason
    at = workaround.failed_at or event.time
    note = f"the workaround failed: {reason}" if reason else "the workaround failed"

    def reopen_if_carried(incident: Incident) -> Incident:
        if incident.channel is not Channel.ALTERNATE:
            raise NotNow("its service was not carried by a workaround")
        return reopen(incident, at=at)

    def fact(incident: Incident) -> IncidentReopened:
        return IncidentReopened(
            incident=incident, reopened_at=incident.failing_since or at, reason=note
        )

    return (
        workaround.incident_id,
        reopen_if_carried,
        Telling(fact, event, "reopened", workaround.applied_by, note),
    )


async def settle(work: Work, events: Sequence[Event[FixVerified]]) -> None:
    """A verified fix settles its incidents: restored ones close now, the others once restored."""
    wanted = [
        _closed(incident_id, event) for event in events for incident_id in event.data.incident_ids
    ]
    await incidents.mark_settled(work, [incident_id for incident_id, _, _ in wanted], settled=True)
    await change_many(work, wanted)


def _closed(incident_id: IncidentId, event: Event[FixVerified]) -> tuple[IncidentId, Any, Telling]:
    at: datetime = event.data.fix.verified_at or event.time
    return (
        incident_id,
        lambda incident: close(incident, at=at),
        Telling(
            lambda incident: IncidentClosed(incident=incident, by="mejora", note=SETTLED),
            event,
            "closed",
            "mejora",
            SETTLED,
        ),
    )


async def keep_belonging(work: Work, events: Sequence[Event[Told]]) -> None:
    """Know which components belong to which business processes, for silences by process."""
    await keep_parts(work, (event.data for event in events))


REACTIONS: Reactions = {
    DiagnosisEstablished: annotate,
    DiagnosisRevised: annotate,
    WorkaroundApplied: restore_over_alternate,
    WorkaroundFailed: reopen_after_failed_workaround,
    FixVerified: settle,
    CatalogueEntityChanged: keep_belonging,
    CatalogueEntityRemoved: keep_belonging,
}
