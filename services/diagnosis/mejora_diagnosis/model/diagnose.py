"""A diagnosis: all answers that data can give, each with its evidence, and how they are revised."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mejora_diagnosis.model import evidence
from mejora_diagnosis.model.cascade import Neighbourhood
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.channel import best_workaround, recommend_channel
from mejora_diagnosis.model.evidence import HOW_MUCH, WHERE, WHOSE, Report
from mejora_diagnosis.model.grading import Truth, grade, mark
from mejora_diagnosis.model.history import History
from mejora_diagnosis.model.priority import DEFAULT_MATRIX, PriorityMatrix, prioritise
from mejora_diagnosis.model.questions import (
    WHO_OWNS,
    Answer,
    ask,
    completed_at,
    put_to,
    take_answers,
)
from mejora_diagnosis.model.scope import could_be_affected, judge_scope
from mejora_events.contracts.base import Severity
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import (
    Diagnosis,
    Evidence,
    FailurePoint,
    KnownError,
    Scope,
    ScopeKind,
)
from mejora_events.contracts.incidents import Incident


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator can set about diagnosing."""

    window_minutes: int = 10
    """Incidents that started at most so far apart can be one cascade."""
    generalised_share: float = 0.5
    """The share of affected instances, sites or users from which it counts as generalised."""
    unowned_to: str = "operations"
    """The role that is asked about what has no owner."""
    recent_change_seconds: float = 86_400.0
    """How long before a failure a change may have been made to be offered as evidence."""
    matrix: PriorityMatrix = DEFAULT_MATRIX
    """By which impact and urgency give the priority."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A diagnosis that changed, and the names of the fields that did."""

    diagnosis: Diagnosis
    revised: tuple[str, ...]


def diagnose(
    report: Report, catalogue: Catalogue, near: Neighbourhood, history: History, rules: Rules
) -> Diagnosis:
    """Answer what data can answer about an incident."""
    incident, component = report.incident, catalogue.component(report.component)
    placed = _place(report.component, incident, catalogue, near, rules)
    affected = catalogue.affected(component.name)
    priority = prioritise(
        component.criticality, affected, report.severity, placed.scope.kind, rules.matrix
    )
    return Diagnosis(
        diagnosis_id=report.diagnosis_id,
        incident_id=incident.incident_id,
        version=1,
        signature=report.signature,
        component=component.name,
        summary=incident.summary,
        severity=report.severity,
        origin=incident.origin,
        started_at=incident.started_at,
        reported_at=incident.reported_at,
        established_at=report.at,
        failure_point=placed.failure_point,
        scope=placed.scope,
        affected=affected,
        impact=priority.impact,
        urgency=priority.urgency,
        priority=priority.priority,
        owner=placed.owner,
        known_error=_known_error(history),
        seen_before=history.seen_before,
        similar=history.similar,
        recommendation=recommend_channel(
            component.criticality,
            component.alternates,
            history.tried,
            history.of_signature,
            history.of_component,
        ),
        open_questions=ask(placed.failure_point.component, placed.owner, rules.unowned_to),
        cost_per_minute=(
            catalogue.component(placed.failure_point.component).cost_per_minute
            or component.cost_per_minute
        ),
        evidence=(
            *evidence.of_report(report, catalogue),
            *placed.evidence,
            evidence.of_priority(priority),
            *evidence.of_history(report, history),
        ),
        catalogue_version=catalogue.version,
    )


def is_elsewhere(
    component: str,
    outcome: str,
    scope_kind: ScopeKind,
    catalogue: Catalogue,
    near: Neighbourhood,
    rules: Rules,
) -> bool:
    """Tell whether the place or kind of scope would come out differently from what was said."""
    could_be = could_be_affected(catalogue.component(component))
    scope, _ = judge_scope(near.affected(component), could_be, rules.generalised_share)
    return near.outcome(component) != outcome or scope.kind != scope_kind


def revise_place(
    diagnosis: Diagnosis, catalogue: Catalogue, near: Neighbourhood, rules: Rules
) -> Revision | None:
    """Look again where a failure began and how much is hit, now that more is failing near it.

    None when nothing comes out differently from what it says.
    """
    placed = _place(diagnosis.component, diagnosis, catalogue, near, rules)
    component = catalogue.component(diagnosis.component)
    priority = prioritise(
        component.criticality,
        diagnosis.affected,
        diagnosis.severity,
        placed.scope.kind,
        rules.matrix,
    )
    owner = placed.owner or diagnosis.owner
    start = catalogue.component(placed.failure_point.component)
    changes = {
        "failure_point": placed.failure_point,
        "scope": placed.scope,
        "impact": priority.impact,
        "urgency": priority.urgency,
        "priority": priority.priority,
        "owner": owner,
        "open_questions": put_to(diagnosis.open_questions, owner or rules.unowned_to),
        "cost_per_minute": start.cost_per_minute or component.cost_per_minute,
        "catalogue_version": catalogue.version,
    }
    if all(value == getattr(diagnosis, name) for name, value in changes.items()):
        return None
    return _revision(diagnosis, changes, (*placed.evidence, evidence.of_priority(priority)))


def revise_severity(
    diagnosis: Diagnosis, severity: Severity, catalogue: Catalogue, rules: Rules
) -> Revision | None:
    """Grade an incident again whose severity changed; None when it did not."""
    if severity == diagnosis.severity:
        return None
    criticality = catalogue.component(diagnosis.component).criticality
    priority = prioritise(
        criticality, diagnosis.affected, severity, diagnosis.scope.kind, rules.matrix
    )
    changes = {
        "severity": severity,
        "impact": priority.impact,
        "urgency": priority.urgency,
        "priority": priority.priority,
    }
    return _revision(diagnosis, changes, (evidence.of_priority(priority),))


def note_answers(
    diagnosis: Diagnosis, answers: Iterable[Answer], by: str, at: datetime
) -> Revision:
    """Note what people said; the diagnosis is complete when no question is open.

    Raises NoSuchQuestion.
    """
    questions = take_answers(diagnosis.open_questions, answers, by, at)
    changes: dict[str, object] = {
        "open_questions": questions,
        "completed_at": completed_at(questions),
    }
    said = []
    for it in questions:
        elsewhere = it.about not in ("", diagnosis.failure_point.component)
        if it.key == WHO_OWNS and it.answer and not (elsewhere and diagnosis.owner):
            changes["owner"] = it.answer
            changes["open_questions"] = put_to(questions, it.answer)
            said = [Evidence(question=WHOSE, answer=it.answer, because=f"{by} said so")]
    return _revision(diagnosis, changes, said)


def offer_changes(diagnosis: Diagnosis, changes: Sequence[ChangeRecorded]) -> Revision | None:
    """Offer all that is known to have been changed before; None when that was offered already."""
    offered = tuple(evidence.of_changes(diagnosis.started_at, changes))
    others = tuple(it for it in diagnosis.evidence if it.question != evidence.WHAT_CHANGED)
    if (*others, *offered) == diagnosis.evidence:
        return None
    update = {"version": diagnosis.version + 1, "evidence": (*others, *offered)}
    return Revision(diagnosis.model_copy(update=update), ("evidence",))


def grade_by(diagnosis: Diagnosis, truths: Iterable[Truth]) -> Revision | None:
    """Mark a diagnosis by what is known to be true; None when that changes nothing."""
    grading = grade(diagnosis, truths)
    if grading == diagnosis.grading:
        return None
    return _revision(diagnosis, {"grading": grading}, ())


def _revision(
    diagnosis: Diagnosis, changes: Mapping[str, object], rests_on: Iterable[Evidence]
) -> Revision:
    """Make the next version; evidence for a question takes the place of what it rested on."""
    now = {it.question: it for it in rests_on}
    kept = tuple(now.pop(it.question, it) for it in diagnosis.evidence)
    changed = {name: value for name, value in changes.items() if value != getattr(diagnosis, name)}
    update = {
        **changed,
        "version": diagnosis.version + 1,
        "evidence": (*kept, *now.values()),
    }
    revised = diagnosis.model_copy(update=update)
    if revised.grading is not None:
        revised = revised.model_copy(update={"grading": mark(revised, revised.grading)})
    return Revision(revised, tuple(changed))


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where it began, how much is hit, and who answers for it."""

    failure_point: FailurePoint
    scope: Scope
    owner: str | None
    evidence: tuple[Evidence, ...]


def _place(
    name: str,
    incident: Incident | Diagnosis,
    catalogue: Catalogue,
    near: Neighbourhood,
    rules: Rules,
) -> _Placed:
    component = catalogue.component(name)
    point = near.failure_point(name, incident.incident_id)
    start = catalogue.component(point.component)
    scope, scope_because = judge_scope(
        near.affected(name), could_be_affected(component), rules.generalised_share
    )
    whose = start if start.owner else component
    said = f"the catalogue names it for {whose.name}" if whose.owner else "nobody has said"
    return _Placed(
        failure_point=point,
        scope=scope,
        owner=whose.owner,
        evidence=(
            Evidence(question=WHERE, answer=point.component, because=near.beginning(name).because),
            Evidence(question=HOW_MUCH, answer=scope.kind, because=scope_because),
            Evidence(question=WHOSE, answer=whose.owner or "not known", because=said),
        ),
    )


def _known_error(history: History) -> KnownError | None:
    """Give the known error: a problem whose cause is known, and its best workaround."""
    if history.problem is None or history.problem.cause is None:
        return None
    best = best_workaround(history.tried)
    if best is None:
        return KnownError(problem_id=history.problem.problem_id)
    return KnownError(
        problem_id=history.problem.problem_id,
        workaround_id=best.workaround_id,
        workaround=best.description,
        tried=best.tried,
        worked=best.worked,
    )
