"""An incident is reported: what data can answer about it is answered.

All incidents of a batch go through each step together, so that the number of queries does not
depend on how many there are:

    take the turn → take the incidents over → note what failed when → find what must be looked at
    again → see what failed near each → look up what is known from before → decide → keep and tell
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mejora_diagnosis.model.cascade import (
    minute_of,
)
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.channel import Restorations
from mejora_diagnosis.model.diagnose import (
    Rules,
    diagnose,
)
from mejora_diagnosis.model.evidence import Report, changes_near
from mejora_diagnosis.model.history import History
from mejora_diagnosis.reactions.grading import grade_new, grade_regrouped_with, note_regrouped
from mejora_diagnosis.reactions.incidents import name_incidents
from mejora_diagnosis.reactions.surroundings import Neighbourhoods, failed_at, look_around, revise
from mejora_diagnosis.store import catalogue, diagnoses, habits, history, incidents, priorities
from mejora_diagnosis.store.catalogue import InForce
from mejora_diagnosis.store.history import Asked, Known
from mejora_diagnosis.store.incidents import Named, Standing
from mejora_events.contracts.catalogue import CatalogueEntityChanged
from mejora_events.contracts.diagnoses import DiagnosisEstablished
from mejora_events.contracts.incidents import IncidentReported
from mejora_events.envelope import Event
from mejora_events.ids import DiagnosisId, IncidentId, new_id
from mejora_events.store import Work


@dataclass(frozen=True, slots=True)
class _Reported:
    """An incident to be diagnosed, with the event that told of it."""

    event: Event[IncidentReported]
    report: Report


async def diagnose_reported(
    work: Work, events: Sequence[Event[IncidentReported]], *, rules: Rules
) -> None:
    """Diagnose incidents, each once, and revise the diagnoses that they change."""
    known = await catalogue.take_turn(work)
    await note_regrouped(work, events, known.catalogue)
    reported = await _take_over(work, events, known.catalogue)
    if not reported:
        return
    await _join_unlisted(work, reported, known)
    rules = replace(rules, matrix=(await priorities.in_force(work.conn)).priorities)
    failed = [
        place for it in reported for place in failed_at(it.report.incident, it.report.component)
    ]
    news = await incidents.note_failing(work.conn, failed, rules.window_minutes)
    await habits.note(work.conn, failed, rules.window_minutes, work.now)
    minutes = {it.minute for it in failed}
    again, near = await look_around(work, news, minutes, known.catalogue, rules)
    histories = await _look_back(work, reported, known.catalogue, near, rules)
    established = {
        it.report.incident.incident_id: diagnose(
            it.report,
            known.catalogue,
            near[minute_of(it.report.incident.started_at)],
            histories[it.report.incident.incident_id],
            rules,
        )
        for it in reported
    }
    established = await grade_new(work, established, known.catalogue)
    outcomes = [near[minute_of(it.started_at)].outcome(it.component) for it in established.values()]
    added = await diagnoses.add(work.conn, list(established.values()), outcomes, known.version)
    for it in reported:
        incident_id = it.report.incident.incident_id
        if incident_id in added:
            work.emit(
                DiagnosisEstablished(diagnosis=established[incident_id]),
                at=it.report.at,
                cause=it.event,
            )
    causes = [(it.report.component, it.event) for it in reported]
    await revise(work, causes, again, near, known.catalogue, rules)
    await grade_regrouped_with(work, established.keys(), known.catalogue, reported[0].event)


async def _take_over(
    work: Work, events: Sequence[Event[IncidentReported]], known: Catalogue
) -> list[_Reported]:
    """Take the incidents over and give those without a diagnosis, in the order of their reports."""
    named = await name_incidents(work.conn, known, [event.data.incident for event in events])
    await incidents.take(work.conn, named)
    standing = await incidents.standing(work.conn, {it.incident.incident_id for it in named})
    reported: dict[IncidentId, _Reported] = {}
    for event, it in zip(events, named, strict=True):
        settled = standing[it.incident.incident_id]
        if not settled.diagnosed:
            reported[it.incident.incident_id] = _Reported(event, _report(event, it, settled))
    return sorted(
        reported.values(),
        key=lambda it: (it.report.incident.reported_at, it.report.incident.incident_id),
    )


def _report(event: Event[IncidentReported], named: Named, settled: Standing) -> Report:
    return Report(
        incident=named.incident,
        component=settled.component,
        signature=named.signature.model_copy(update={"signature_id": settled.signature_id}),
        severity=settled.severity,
        diagnosis_id=DiagnosisId(new_id(named.incident.reported_at)),
        at=event.time,
    )


async def _join_unlisted(work: Work, reported: Sequence[_Reported], known: InForce) -> None:
    """Let components that the catalogue does not have join it, as unlisted."""
    listed = known.catalogue.components
    unknown = {it.report.component: it for it in reported if it.report.component not in listed}
    for component, version in await catalogue.join(work, unknown, known.version):
        it = unknown[component.name]
        work.emit(
            CatalogueEntityChanged(entity=component, version=version, changed_at=it.event.time),
            at=it.event.time,
            cause=it.event,
        )


async def _look_back(
    work: Work,
    reported: Sequence[_Reported],
    known: Catalogue,
    near: Neighbourhoods,
    rules: Rules,
) -> dict[IncidentId, History]:
    """Look up what is known from before, and count the incidents among those of their fault."""
    reports = [it.report for it in reported]
    templates = {it.signature.signature_id: it.signature.template for it in reports}
    counts = Counter(it.signature.signature_id for it in reports)
    now = await history.count(work.conn, counts, templates)
    before = {signature_id: now[signature_id] - count for signature_id, count in counts.items()}
    found = await history.known(
        work.conn,
        [
            Asked(
                it.incident.incident_id,
                it.signature.signature_id,
                it.signature.template,
                it.component,
                it.incident.started_at,
                it.incident.reported_at,
            )
            for it in reports
        ],
        rules.recent_change_seconds,
    )
    histories = {}
    for it in reports:
        start = near[minute_of(it.incident.started_at)].beginning(it.component).component
        histories[it.incident.incident_id] = _history(
            it, found, before[it.signature.signature_id], known, start
        )
        before[it.signature.signature_id] += 1
    return histories


def _history(
    report: Report, found: Known, seen_before: int, known: Catalogue, start: str
) -> History:
    signature_id, minute = report.signature.signature_id, minute_of(report.incident.reported_at)
    changes = found.changes.get(minute_of(report.incident.started_at), ())
    return History(
        seen_before=seen_before,
        of_signature=found.of_signature.get((signature_id, minute), Restorations()),
        of_component=found.of_component.get((report.component, minute), Restorations()),
        tried=found.tried.get(signature_id, ()),
        problem=found.problems.get(signature_id),
        similar=found.similar.get(signature_id, ()),
        fix=found.fixes.get(signature_id),
        changes=changes_near(changes, known, report.component, start, report.incident.started_at),
    )
