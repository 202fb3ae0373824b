"""What becomes of incidents after their report."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.diagnose import Rules, revise_severity
from mejora_diagnosis.model.scope import places
from mejora_diagnosis.model.signature import sign
from mejora_diagnosis.reactions.grading import note_regrouped
from mejora_diagnosis.store import catalogue, diagnoses, incidents, priorities
from mejora_diagnosis.store.incidents import Named
from mejora_events.contracts.base import Severity
from mejora_events.contracts.diagnoses import DiagnosisRevised
from mejora_events.contracts.incidents import Incident, IncidentChanged, IncidentEvent
from mejora_events.envelope import Event
from mejora_events.store import Work


def name_incidents(known: Catalogue, found: Iterable[Incident]) -> list[Named]:
    """Say what diagnosis calls each incident's component and fault."""
    named = []
    for incident in found:
        component = known.resolve(incident.component)
        signature = sign(component, incident.summary, places(incident.labels))
        named.append(Named(incident, component, signature))
    return named


async def take_incidents(work: Work, events: Sequence[Event[IncidentEvent]]) -> None:
    """Take over what became of incidents: how long restoring took is asked of the next ones."""
    await note_regrouped(work, events)
    known = await catalogue.in_force(work.conn)
    found = (event.data.incident for event in events)
    await incidents.take(work.conn, name_incidents(known.catalogue, found))


async def grade_again(
    work: Work, events: Sequence[Event[IncidentChanged]], *, rules: Rules
) -> None:
    """Grade incidents again whose severity changed."""
    causes = {
        event.data.incident.incident_id: event
        for event in events
        if "severity" in event.data.changed
    }
    if causes:  # whoever holds diagnoses has the turn, so that nobody waits for them in a circle
        await catalogue.take_turn(work)
    await take_incidents(work, events)
    if not causes:
        return
    known = await catalogue.in_force(work.conn)
    rules = replace(rules, matrix=(await priorities.in_force(work.conn)).priorities)
    revisions = []
    for diagnosis, severity in await diagnoses.hold_regraded(work.conn, causes):
        revision = revise_severity(diagnosis, Severity(severity), known.catalogue, rules)
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
