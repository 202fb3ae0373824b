"""What fails near what is told, and the diagnoses that this makes come out differently."""

from collections.abc import Collection, Mapping, Sequence

from mejora_diagnosis.model.cascade import Failing, Habits, Neighbourhood, slot_of, to_recheck
from mejora_diagnosis.model.cascade.failing import News, kind_of, minute_of
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.diagnose import Revision, Rules, is_elsewhere, revise_place
from mejora_diagnosis.store import diagnoses, habits, incidents
from mejora_diagnosis.store.diagnoses import Placed
from mejora_diagnosis.store.incidents import FailedAt
from mejora_events.contracts.diagnoses import DiagnosisRevised
from mejora_events.contracts.incidents import Incident, IncidentEvent
from mejora_events.envelope import Event
from mejora_events.ids import IncidentId
from mejora_events.places import Where, where
from mejora_events.store import Work

MOST_RECHECKED = 2_000
"""Diagnoses that one batch looks at again, the newest first: a guard against a storm's storm."""

Neighbourhoods = Mapping[int, Neighbourhood]
Causes = Sequence[tuple[str, Event[IncidentEvent]]]
"""The components that events told something of, and the events."""


def failed_at(incident: Incident, component: str) -> list[FailedAt]:
    """Tell where an incident fails, its first place before the others that signals named.

    Where its labels name no instance it is what the sender called the component, if that is not
    its name: db-01 is an instance of db.
    """
    first = where(incident.labels)
    if not first.instance and incident.component != component:
        first = first._replace(instance=incident.component)
    also = (Where(it.instance, it.site, it.users) for it in incident.elsewhere)
    return [
        FailedAt(
            component=component,
            minute=minute_of(incident.started_at),
            instance=place.instance,
            site=place.site,
            users=place.users,
            kind=kind_of(incident.summary, incident.labels),
            since=incident.started_at,
            incident_id=incident.incident_id,
        )
        for place in (first, *also)
    ]


async def look_around(
    work: Work, news: Sequence[News], minutes: set[int], known: Catalogue, rules: Rules
) -> tuple[list[Placed], Neighbourhoods]:
    """Give the diagnoses that what is news may change, and what is near them and those minutes."""
    window = rules.window_minutes
    again = await diagnoses.to_recheck(work.conn, to_recheck(known, news, window), MOST_RECHECKED)
    minutes = minutes | {it.minute for it in again}
    failing = await incidents.near(work.conn, minutes, window)
    usual = await _usual(work, failing, window)
    near = {
        minute: Neighbourhood(known, found, window, usual[slot_of(minute - window, window)])
        for minute, found in failing.items()
    }
    # What is forgotten stays as it was said.
    return [it for it in again if it.component in near[it.minute]], near


async def _usual(
    work: Work, failing: Mapping[int, Sequence[Failing]], window: int
) -> dict[int, Habits]:
    """Look up how usual it is what fails, before each stretch of time in which it does."""
    kinds: dict[int, set[str]] = {}
    for minute, found in failing.items():
        of_slot = kinds.setdefault(slot_of(minute - window, window), set())
        of_slot.update(kind for it in found for kind in it.kinds)
    return await habits.before(work.conn, kinds)


async def revise(
    work: Work,
    causes: Causes,
    again: Sequence[Placed],
    near: Neighbourhoods,
    known: Catalogue,
    rules: Rules,
    *,
    in_any_case: Collection[IncidentId] = (),
) -> None:
    """Revise the diagnoses whose place, or kind of scope, comes out differently now.

    Of some, the numbers are brought up to date as well.
    """
    moved = [
        it.incident_id
        for it in again
        if it.incident_id in in_any_case
        or is_elsewhere(it.component, it.outcome, it.scope_kind, known, near[it.minute], rules)
    ]
    first = dict(reversed(causes))
    revisions: list[Revision] = []
    outcomes: list[str] = []
    for diagnosis in await diagnoses.hold(work.conn, moved):
        place = near[minute_of(diagnosis.started_at)]
        revision = revise_place(diagnosis, known, place, rules)
        if revision is not None:
            revisions.append(revision)
            outcomes.append(place.outcome(diagnosis.component))
    await diagnoses.move(work.conn, [it.diagnosis for it in revisions], outcomes)
    for revision in revisions:
        start = revision.diagnosis.failure_point.component
        cause = first.get(start) or first.get(revision.diagnosis.component) or causes[0][1]
        work.emit(
            DiagnosisRevised(
                diagnosis=revision.diagnosis, revised=revision.revised, revised_at=cause.time
            ),
            at=cause.time,
            cause=cause,
            correlation=revision.diagnosis.incident_id,
        )
