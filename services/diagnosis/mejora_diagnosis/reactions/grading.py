"""What turned out to be true grades the diagnoses that it is about, in whichever order they come.

Who grades has the turn: a diagnosis that is being established meanwhile would miss the truth, and
the truth that diagnosis.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.diagnose import grade_by
from mejora_diagnosis.model.grading import Truth, grade
from mejora_diagnosis.store import diagnoses, truths
from mejora_diagnosis.store.truths import Regrouped
from mejora_events.contracts.diagnoses import Diagnosis, DiagnosisRevised
from mejora_events.contracts.incidents import Incident, IncidentEvent
from mejora_events.envelope import Event
from mejora_events.ids import IncidentId
from mejora_events.store import Work

MOST_GRADED = 2_000
"""Diagnoses that one batch of news grades, the newest first."""

CauseOf = Callable[[Diagnosis], Event[Any] | None]


async def grade_faults(
    work: Work, known: Catalogue, causes: Mapping[str, Event[Any]]
) -> list[Diagnosis]:
    """Grade the diagnoses of faults of which more is known, each with the event that told of it."""
    if not causes:
        return []
    held = await truths.hold_of_faults(work.conn, causes.keys(), MOST_GRADED)
    return await grade_held(work, held, known, lambda it: causes[it.signature.signature_id])


async def grade_held(
    work: Work,
    held: Sequence[Diagnosis],
    known: Catalogue,
    cause_of: CauseOf = lambda _: None,
    at: datetime | None = None,
) -> list[Diagnosis]:
    """Grade diagnoses that are held by what is known to be true; give those that changed."""
    if not held:
        return []
    found = await truths.truths_of(work.conn, held)
    revisions = [
        revision
        for it in held
        if (revision := grade_by(it, _named(found.get(it.incident_id, ()), known)))
    ]
    await diagnoses.update(work.conn, [it.diagnosis for it in revisions])
    for revision in revisions:
        cause = cause_of(revision.diagnosis)
        revised_at = cause.time if cause else at or work.now
        work.emit(
            DiagnosisRevised(
                diagnosis=revision.diagnosis, revised=revision.revised, revised_at=revised_at
            ),
            at=revised_at,
            cause=cause,
            correlation=revision.diagnosis.incident_id,
        )
    return [it.diagnosis for it in revisions]


async def grade_new(
    work: Work, established: Mapping[IncidentId, Diagnosis], known: Catalogue
) -> dict[IncidentId, Diagnosis]:
    """Grade diagnoses about which the truth was known before they were established."""
    found = await truths.truths_of(work.conn, established.values())
    return {
        incident_id: it.model_copy(
            update={"grading": grade(it, _named(found.get(incident_id, ()), known))}
        )
        for incident_id, it in established.items()
    }


def _named(said: Iterable[Truth], known: Catalogue) -> list[Truth]:
    """Name failure points as the catalogue does."""
    return [
        replace(it, failure_point=known.resolve(it.failure_point)) if it.failure_point else it
        for it in said
    ]


async def note_regrouped(
    work: Work, events: Sequence[Event[IncidentEvent]], known: Catalogue
) -> None:
    """Note merges and splits of incidents: they say which signatures were wrong."""
    causes = {event.data.incident.incident_id: event for event in events}
    regrouped = [
        it for event in events if (it := _regrouped(event.data.incident, event.time)) is not None
    ]
    if not regrouped:
        return
    news = await truths.regroup(work.conn, regrouped)
    held = await diagnoses.hold(work.conn, news)
    await grade_held(work, held, known, lambda it: causes[it.incident_id])


def _regrouped(incident: Incident, at: datetime) -> Regrouped | None:
    if incident.merged_into is not None:
        return Regrouped(incident.incident_id, incident.merged_into, merged=True, at=at)
    if incident.split_from is not None:
        return Regrouped(incident.incident_id, incident.split_from, merged=False, at=at)
    return None


async def grade_regrouped_with(
    work: Work, reported: Collection[IncidentId], known: Catalogue, cause: Event[Any]
) -> None:
    """Grade what was merged into incidents that were not known yet, or split off them."""
    others = await truths.regrouped_with(work.conn, reported)
    held = await diagnoses.hold(work.conn, others - set(reported))
    await grade_held(work, held, known, lambda _: cause)
