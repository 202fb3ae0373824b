"""What the answers of a diagnosis rest on, so that a person can check them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.history import History
from mejora_diagnosis.model.priority import Priority
from mejora_diagnosis.model.words import counted, lasting, times
from mejora_events.contracts.base import Severity
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import Evidence, Signature
from mejora_events.contracts.incidents import Incident
from mejora_events.ids import DiagnosisId

WHAT = "What failed?"
SINCE = "Since when?"
WHO_IS_HIT = "Who is affected?"
WHERE = "Where did it begin?"
HOW_MUCH = "Is it bounded or generalised?"
HOW_URGENT = "How important is it?"
WHOSE = "Who owns it?"
WHAT_CHANGED = "What was changed just before?"
SEEN = "Was it seen before?"
CAUSE = "Is its cause known?"
ALIKE = "What was like it before?"
FIX = "Is there a permanent fix?"
MOST_CHANGES = 5
"""How many recent changes are offered as evidence."""


@dataclass(frozen=True, slots=True)
class Report:
    """An incident as it is to be diagnosed."""

    incident: Incident
    component: str
    """Its component by the name that the catalogue has for it."""
    signature: Signature
    severity: Severity
    """By the newest that is known of the incident, which may be newer than its report."""
    diagnosis_id: DiagnosisId
    at: datetime


def of_priority(priority: Priority) -> Evidence:
    """Tell what the priority rests on."""
    return Evidence(
        question=HOW_URGENT, answer=f"priority {priority.priority}", because=priority.because
    )


def of_report(report: Report, catalogue: Catalogue) -> Iterable[Evidence]:
    """Tell what failed, since when and who is hit, from the report and the catalogue."""
    incident, name = report.incident, report.component
    said = f"{incident.source} says {incident.component!r}"
    if not catalogue.lists(name):
        because = f"{said}, which the catalogue does not list"
    elif name != incident.component:
        because = f"{said}, which the catalogue calls {name!r}"
    else:
        because = said
    yield Evidence(question=WHAT, answer=name, because=because)
    yield Evidence(
        question=SINCE,
        answer=f"{incident.started_at:%Y-%m-%dT%H:%M:%SZ}",
        because=f"{incident.source} says when it started",
    )
    affected = catalogue.affected(name)
    processes = len(affected.processes)
    standing = counted(processes, "business process stands", "business processes stand")
    hit = [*affected.processes, *affected.customers, *affected.contracts]
    yield Evidence(
        question=WHO_IS_HIT,
        answer=", ".join(hit[:20]) or "not known",
        because=(
            f"{standing} on it, by the catalogue"
            if catalogue.lists(name)
            else "the catalogue does not say who stands on it"
        ),
    )


def of_history(report: Report, history: History) -> Iterable[Evidence]:
    """Tell what is known from before, and what was changed just before."""
    seen = history.seen_before
    earlier = counted(seen, "incident", "incidents") if seen else "no incident"
    read = f"read “{report.signature.template}” at this kind of component"
    yield Evidence(
        question=SEEN,
        answer=times(seen) if seen else "no",
        because=f"{earlier} before {read}",
    )
    if history.problem is not None:
        cause = history.problem.cause
        yield Evidence(
            question=CAUSE,
            answer=cause or "not yet",
            because=f"problem {history.problem.problem_id}: {history.problem.title}",
        )
    for near in history.similar:
        yield Evidence(
            question=ALIKE,
            answer=f"{near.title} ({near.similarity:.0%} alike)",
            because=f"problem {near.problem_id}: {near.cause or 'its cause is not known'}",
        )
    if history.fix is not None:
        deployed = history.fix.deployed_at
        yield Evidence(
            question=FIX,
            answer=f"{history.fix.carried_by} ({history.fix.state})",
            because=f"deployed {deployed:%Y-%m-%dT%H:%M:%SZ}" if deployed else "not deployed yet",
        )
    yield from of_changes(report.incident.started_at, history.changes)


def of_changes(started_at: datetime, changes: Sequence[ChangeRecorded]) -> Iterable[Evidence]:
    """Tell what was changed just before; the changes come with the newest first."""
    for change in changes[:MOST_CHANGES]:
        before = (started_at - change.changed_at).total_seconds()
        yield Evidence(
            question=WHAT_CHANGED,
            answer=f"{change.component} {change.version} ({change.kind})",
            because=f"{change.changed_by} did so {lasting(before)} before it began",
        )


def changes_near(
    changes: Iterable[ChangeRecorded],
    catalogue: Catalogue,
    component: str,
    start: str,
    started_at: datetime,
) -> tuple[ChangeRecorded, ...]:
    """Keep changes from before a failure: of its component, what that stands on, its beginning."""
    return tuple(
        it
        for it in changes
        if it.changed_at <= started_at
        and (catalogue.stands_on(component, it.component) or it.component == start)
    )
