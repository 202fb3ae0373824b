"""A change that is told late is offered to the diagnoses of what failed after it."""

import math

from mejora_diagnosis.model.cascade import minute_of
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.diagnose import offer_changes
from mejora_diagnosis.model.evidence import changes_near
from mejora_diagnosis.store import diagnoses, history
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import DiagnosisRevised
from mejora_events.store import Work

MOST_OFFERED = 500
"""Diagnoses that one change is offered to, the newest first."""


async def offer(
    work: Work, change: ChangeRecorded, known: Catalogue, within_seconds: float
) -> None:
    """Offer a change to the diagnoses that it may explain; the turn must have been taken."""
    first = minute_of(change.changed_at)
    last = first + math.ceil(within_seconds / 60)
    components = (change.component, *known.dependents(change.component))
    held = await diagnoses.hold_between(work.conn, components, first, last, MOST_OFFERED)
    if not held:
        return
    minutes = sorted({minute_of(it.started_at) for it in held})
    before = await history.changes_before(work.conn, minutes, within_seconds)
    revisions = []
    for it in held:
        near = changes_near(
            before.get(minute_of(it.started_at), ()),
            known,
            it.component,
            it.failure_point.component,
            it.started_at,
        )
        revision = offer_changes(it, near)
        if revision is not None:
            revisions.append(revision)
    await diagnoses.update(work.conn, [it.diagnosis for it in revisions])
    for revision in revisions:
        work.emit(
            DiagnosisRevised(
                diagnosis=revision.diagnosis, revised=revision.revised, revised_at=work.now
            ),
            correlation=revision.diagnosis.incident_id,
        )
