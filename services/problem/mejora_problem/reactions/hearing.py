"""What is done with the events of the other services; each function takes a batch of one type."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mejora_events.contracts.catalogue import CatalogueEntityChanged, CatalogueEntityRemoved
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import DiagnosisEvent, DiagnosisRevised
from mejora_events.contracts.incidents import IncidentEvent
from mejora_events.contracts.workarounds import WorkaroundEvent
from mejora_events.envelope import Event
from mejora_events.ids import IncidentId
from mejora_events.store import Work
from mejora_problem.model.occurrences import (
    Fault,
    Occurrence,
    fault_of,
    hear_diagnosis,
    hear_incident,
)
from mejora_problem.reactions.settling import Touch, settle_all
from mejora_problem.store import copies, occurrences, promises


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a batch told about one incident, whose signature is known."""

    before: Fault | None
    after: Fault
    cause: Event[Any]


async def incidents_told(work: Work, events: Sequence[Event[IncidentEvent]]) -> None:
    """Take in how incidents went; it matters to the verdict on a fix that is in place."""
    heard = await _hear(
        work,
        events,
        lambda event: event.data.incident.incident_id,
        lambda known, event: hear_incident(known, event.data.incident),
    )
    moved = [
        one for one in heard if one.before is None or _tested(one.before) != _tested(one.after)
    ]
    if not moved:
        return
    deployed = await promises.deployed_among(
        work.conn, (one.after.finding.signature_id for one in moved)
    )
    await settle_all(
        work, _touches(one for one in moved if one.after.finding.signature_id in deployed)
    )


def _tested(fault: Fault) -> tuple[frozenset[str], datetime]:
    """Give what a verdict looks at of an incident's course: where it was, and when it was over."""
    return fault.places, fault.ended_at


async def diagnoses_told(work: Work, events: Sequence[Event[DiagnosisEvent]]) -> None:
    """Take in which faults incidents are of: problems open, recur, reopen; fixes regress."""
    heard = await _hear(
        work,
        events,
        lambda event: event.data.diagnosis.incident_id,
        lambda known, event: hear_diagnosis(known, event.data.diagnosis, _given_at(event.data)),
    )
    await settle_all(work, _touches(heard))


def _given_at(data: DiagnosisEvent) -> datetime:
    """Tell when the diagnosis's priority was given: with the report, or when it was revised."""
    return data.revised_at if isinstance(data, DiagnosisRevised) else data.diagnosis.reported_at


async def workarounds_told(work: Work, events: Sequence[Event[WorkaroundEvent]]) -> None:
    """Take in what became of workarounds: one that worked makes a known cause a known error."""
    await copies.keep_workarounds(work.conn, (event.data.workaround for event in events))
    touches = {
        event.data.workaround.signature_id: Touch(heard_since=work.now, cause=event)
        for event in events
    }
    await settle_all(work, touches)


async def changes_told(work: Work, events: Sequence[Event[ChangeRecorded]]) -> None:
    """Take in changes: those that carry a fix put it in place."""
    changes = [event.data for event in events]
    await copies.hold_components(work.conn, (change.component for change in changes))
    carried = await copies.keep_changes(work.conn, changes)
    await settle_all(work, {name: Touch(cause=events[-1]) for name in carried})


async def entities_changed(work: Work, events: Sequence[Event[CatalogueEntityChanged]]) -> None:
    """Keep our copy of the catalogue."""
    await copies.keep_entities(work.conn, (event.data for event in events))


async def entities_removed(work: Work, events: Sequence[Event[CatalogueEntityRemoved]]) -> None:
    """Keep our copy of the catalogue."""
    await copies.keep_entities(work.conn, (event.data for event in events))


async def _hear(
    work: Work,
    events: Sequence[Event[Any]],
    incident_of: Callable[[Event[Any]], IncidentId],
    hear: Callable[[Occurrence, Event[Any]], Occurrence],
) -> list[_Heard]:
    """Add what events tell to what is known of incidents; give the faults among the changed."""
    before = await occurrences.lock(work.conn, map(incident_of, events))
    after = dict(before)
    causes = {}
    for event in events:
        incident_id = incident_of(event)
        after[incident_id] = hear(after[incident_id], event)
        causes[incident_id] = event
    changed = [one for name, one in after.items() if one != before[name]]
    if changed:
        await occurrences.write(work.conn, changed)
    heard = []
    for one in changed:
        fault = fault_of(one)
        if fault:
            known = fault_of(before[one.incident_id])
            heard.append(_Heard(known, fault, causes[one.incident_id]))
    return heard


def _touches(heard: Iterable[_Heard]) -> dict[str, Touch]:
    """Gather what was heard by signature."""
    touches: dict[str, Touch] = {}
    for one in heard:
        name, started = one.after.finding.signature_id, one.after.finding.started_at
        touch = touches.get(name, Touch(heard_since=started))
        touches[name] = Touch(
            news=touch.news if one.before else (*touch.news, one.after),
            heard_since=min(started, touch.heard_since or started),
            cause=one.cause,
        )
    return touches
