"""Something of note changed in an incident: how bad it is, or where else it is."""

from collections.abc import Sequence
from dataclasses import replace

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.diagnose import Rules, revise_severity
from mejora_diagnosis.reactions.incidents import take_incidents
from mejora_diagnosis.reactions.surroundings import failed_at, look_around, revise
from mejora_diagnosis.store import catalogue, diagnoses, incidents, priorities
from mejora_events.contracts.base import Severity
from mejora_events.contracts.diagnoses import DiagnosisRevised
from mejora_events.contracts.incidents import IncidentChanged
from mejora_events.envelope import Event
from mejora_events.store import Work

Changes = Sequence[Event[IncidentChanged]]


async def take_changes(work: Work, events: Changes, *, rules: Rules) -> None:
    """Take over what became of incidents; revise what was said of those that are worse, or wider.

    Such a change is told with its incident as it is by now: the newest tells all.
    """
    await take_incidents(work, events)
    worse = [event for event in events if "severity" in event.data.changed]
    wider = [event for event in events if "elsewhere" in event.data.changed]
    if not worse and not wider:
        return
    known = (await catalogue.in_force(work.conn)).catalogue
    rules = replace(rules, matrix=(await priorities.in_force(work.conn)).priorities)
    await _grade_again(work, worse, known, rules)
    await _note_elsewhere(work, wider, known, rules)


async def _grade_again(work: Work, events: Changes, known: Catalogue, rules: Rules) -> None:
    """Grade incidents again whose severity changed."""
    causes = {event.data.incident.incident_id: event for event in events}
    if not causes:
        return
    revisions = []
    for diagnosis, severity in await diagnoses.hold_regraded(work.conn, causes):
        revision = revise_severity(diagnosis, Severity(severity), known, rules)
        if revision is not None:
            revisions.append(revision)
    await diagnoses.update(work.conn, [it.diagnosis for it in revisions])
    for revision in revisions:
        cause = causes[revision.diagnosis.incident_id]
        work.emit(
            DiagnosisRevised(
                diagnosis=revision.diagnosis,
                revised=revision.revised,
                revised_at=cause.data.changed_at,
            ),
            at=cause.data.changed_at,
            cause=cause,
        )


async def _note_elsewhere(work: Work, events: Changes, known: Catalogue, rules: Rules) -> None:
    """Note where else incidents are; say anew how much is hit, there and near it."""
    causes = {event.data.incident.incident_id: event for event in events}
    if not causes:
        return
    found = {incident_id: event.data.incident for incident_id, event in causes.items()}
    settled = await incidents.standing(work.conn, found.keys())
    failed = [
        place
        for incident_id, incident in found.items()
        for place in failed_at(incident, settled[incident_id].component)
    ]
    news = await incidents.note_failing(work.conn, failed, rules.window_minutes)
    again, near = await look_around(work, news, {it.minute for it in failed}, known, rules)
    told = [(settled[incident_id].component, event) for incident_id, event in causes.items()]
    await revise(work, told, again, near, known, rules, in_any_case=found.keys())
