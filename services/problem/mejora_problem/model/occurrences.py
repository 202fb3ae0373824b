"""What is known of each incident: intake's half and diagnosis's half, in whichever order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mejora_events.contracts.base import Money, Time, Value
from mejora_events.contracts.diagnoses import Diagnosis, Grade
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.ids import IncidentId

HIGH_PRIORITY = 2
"""Priorities up to this one open a problem at the first incident."""


class Course(Value):
    """Intake's half: how the incident went, from its newest event."""

    version: int
    places: tuple[str, ...]
    """Where it happened: its component and the values of its labels, as hosts and regions are."""
    closed: bool
    acknowledged_at: Time | None
    restored_at: Time | None
    lost_seconds: float


class Finding(Value):
    """Diagnosis's half: which fault it is an incident of, from its newest event."""

    version: int
    signature_id: str
    template: str
    component: str
    """The failure point."""
    owner: str | None
    priority: Grade
    high_since: Time | None
    """When it was first given a high priority; stays when the priority is lowered again."""
    started_at: Time
    reported_at: Time
    cost_per_minute: Money | None
    contracts: tuple[str, ...]


class Occurrence(Value):
    """One incident, as far as it has been heard of."""

    incident_id: IncidentId
    course: Course | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """An incident of which the signature is known: one occurrence of a fault."""

    incident_id: IncidentId
    finding: Finding
    course: Course | None

    @property
    def places(self) -> frozenset[str]:
        """Where it happened."""
        return frozenset((self.finding.component, *(self.course.places if self.course else ())))

    @property
    def ended_at(self) -> datetime:
        """When it was over; its start, as long as no end is known."""
        ended = self.course.restored_at if self.course else None
        return max(ended, self.finding.started_at) if ended else self.finding.started_at

    @property
    def by_report(self) -> tuple[datetime, IncidentId]:
        """The order in which incidents were reported."""
        return self.finding.reported_at, self.incident_id


def fault_of(known: Occurrence) -> Fault | None:
    """Give an incident as a fault, once diagnosis has told its signature."""
    if known.finding is None:
        return None
    return Fault(known.incident_id, known.finding, known.course)


def hear_incident(known: Occurrence, incident: Incident) -> Occurrence:
    """Take in intake's snapshot; an older or repeated one changes nothing."""
    if known.course and known.course.version >= incident.version:
        return known
    course = Course(
        version=incident.version,
        places=tuple(sorted({incident.component, *incident.labels.values()})),
        closed=incident.state is IncidentState.CLOSED,
        acknowledged_at=incident.acknowledged_at,
        restored_at=incident.restored_at,
        lost_seconds=incident.lost_seconds,
    )
    return known.model_copy(update={"course": course})


def hear_diagnosis(known: Occurrence, diagnosis: Diagnosis, at: datetime) -> Occurrence:
    """Take in diagnosis's snapshot, whose priority was given at `at`.

    The newest version counts, whatever the order in which they come; but that the priority was
    high at some time is kept from any version, since a problem that opened for it stays open.
    """
    before = known.finding
    high = [at] if diagnosis.priority <= HIGH_PRIORITY else []
    if before and before.high_since:
        high.append(before.high_since)
    changed: dict[str, Any] = {"high_since": min(high, default=None)}
    if before is None or before.version < diagnosis.version:
        newest = _finding(diagnosis)
    elif before.high_since == changed["high_since"]:
        return known
    else:
        newest = before
    return known.model_copy(update={"finding": newest.model_copy(update=changed)})


def _finding(diagnosis: Diagnosis) -> Finding:
    return Finding(
        version=diagnosis.version,
        signature_id=diagnosis.signature.signature_id,
        template=diagnosis.signature.template,
        component=diagnosis.failure_point.component,
        owner=diagnosis.owner,
        priority=diagnosis.priority,
        high_since=None,
        started_at=diagnosis.started_at,
        reported_at=diagnosis.reported_at,
        cost_per_minute=diagnosis.cost_per_minute,
        contracts=diagnosis.affected.contracts,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """What the rules need of all incidents of a signature, whose number has no bound."""

    count: int = 0
    first_two: tuple[Fault, ...] = ()
    """The two that were reported first."""
    latest: Fault | None = None
    """The one that was reported last."""
    first_high: Fault | None = None
    """The one that was first given a high priority."""
    priority: int | None = None
    """The highest that any of them has now; 1 is the highest."""


def summarise(faults: Iterable[Fault]) -> Summary:
    """Sum up the incidents of one signature; the store does the same by its indexes."""
    by_report = sorted(faults, key=lambda fault: fault.by_report)
    high = [
        (fault.finding.high_since, fault.incident_id, fault)
        for fault in by_report
        if fault.finding.high_since
    ]
    return Summary(
        count=len(by_report),
        first_two=tuple(by_report[:2]),
        latest=by_report[-1] if by_report else None,
        first_high=min(high)[2] if high else None,
        priority=min((fault.finding.priority for fault in by_report), default=None),
    )
