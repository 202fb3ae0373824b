"""Which events tell of a change of a problem or a fix; each carries the whole, one version up."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from mejora_events.contracts.base import EventData
from mejora_events.contracts.fixes import (
    Fix,
    FixDeployed,
    FixPlanned,
    FixRegressed,
    FixState,
    FixVerified,
)
from mejora_events.contracts.problems import (
    Problem,
    ProblemEscalated,
    ProblemOpened,
    ProblemRecurred,
    ProblemReopened,
    ProblemResolved,
    ProblemRootCauseEstablished,
    ProblemState,
)
from mejora_events.ids import IncidentId
from mejora_problem.model.case import Case, Said
from mejora_problem.model.escalation import Escalation
from mejora_problem.model.fixes import Judgement
from mejora_problem.model.occurrences import Fault

_Snapshot = TypeVar("_Snapshot", Problem, Fix)
_Telling = tuple[Callable[[_Snapshot], EventData], datetime]
"""What makes the event from the snapshot, and when that happened."""


def tell_problem(case: Case, after: Problem) -> tuple[Problem, list[Said]]:
    """Give the problem with its new version, and the events that tell how it changed."""
    before = case.problem
    tellings = _incidents(case, after)
    if after.root_cause and _cause_is_news(before, after):
        tellings.append(
            (lambda it: ProblemRootCauseEstablished(problem=it), after.root_cause.established_at)
        )
    tellings += [_escalated(step) for step in case.escalations]
    if after.resolved_at and (before is None or before.resolved_at is None):
        tellings.append((lambda it: ProblemResolved(problem=it), after.resolved_at))
    if before and before.resolved_at and after.resolved_at is None:
        tellings.append(_reopened(case, before.resolved_at))
    return _numbered(before, after, tellings)


def tell_fix(
    case: Case, before: Fix, after: Fix, judgement: Judgement | None
) -> tuple[Fix, list[Said]]:
    """Give a fix with its new version, and the events that tell how it changed."""
    tellings: list[_Telling[Fix]] = []
    if before.version == 0:
        tellings.append((lambda it: FixPlanned(fix=it), after.planned_at))
    if judgement is not None:
        tellings += _observation(before, after, judgement)
        tellings += _proof(case, before, after, judgement)
    return _numbered(before, after, tellings)


def _numbered(
    before: _Snapshot | None, after: _Snapshot, tellings: Sequence[_Telling[_Snapshot]]
) -> tuple[_Snapshot, list[Said]]:
    """Count the version up: once for each event, once if there is none but something changed."""
    said = []
    for telling, at in tellings:
        after = after.model_copy(update={"version": after.version + 1})
        said.append(Said(telling(after), at))
    if not tellings and after != before:
        after = after.model_copy(update={"version": after.version + 1})
    return after, said


def _incidents(case: Case, after: Problem) -> list[_Telling[Problem]]:
    """Tell of each incident once: as one that the problem opened with, or as a recurrence."""
    if case.problem:
        return [_recurred(fault) for fault in sorted(case.news, key=lambda fault: fault.by_report)]
    # Beside the news at most one incident was known: a second one would have opened the problem.
    first_high = (case.summary.first_high,) if case.summary.first_high else ()
    known = {
        fault.incident_id: fault for fault in (*case.summary.first_two, *first_high, *case.news)
    }
    in_order = sorted(known.values(), key=lambda fault: fault.by_report)
    first = tuple(
        fault.incident_id for fault in in_order if fault.finding.reported_at <= after.opened_at
    )
    return [
        (lambda it: ProblemOpened(problem=it, incident_ids=first), after.opened_at),
        *(_recurred(fault) for fault in in_order if fault.incident_id not in first),
    ]


def _recurred(fault: Fault) -> _Telling[Problem]:
    return (
        lambda it: ProblemRecurred(problem=it, incident_id=fault.incident_id),
        fault.finding.reported_at,
    )


def _escalated(step: Escalation) -> _Telling[Problem]:
    return (
        lambda it: ProblemEscalated(
            problem=it,
            escalated_to=step.escalated_to,
            reason=step.reason,
            escalated_at=step.escalated_at,
        ),
        step.escalated_at,
    )


def _cause_is_news(before: Problem | None, after: Problem) -> bool:
    """A cause is news; so is that its error now has, or has no longer, a tested workaround."""
    if before is None or before.root_cause != after.root_cause:
        return True
    known = {ProblemState.CAUSE_KNOWN, ProblemState.KNOWN_ERROR}
    return before.state != after.state and {before.state, after.state} <= known


def _reopened(case: Case, resolved_at: datetime) -> _Telling[Problem]:
    last = max((fault.finding.started_at for fault in case.faults or ()), default=resolved_at)
    if last > resolved_at:
        at, reason = last, "the fault came back"
    else:
        at, reason = resolved_at, "what became known later took the proof away"
    return lambda it: ProblemReopened(problem=it, reopened_at=at, reason=reason), at


def _observation(before: Fix, after: Fix, judgement: Judgement) -> list[_Telling[Fix]]:
    """Tell that it is deployed, also when it reached more places or its window moved."""
    proven = (FixState.VERIFIED, FixState.REGRESSED)
    again = before.state in proven and after.state not in proven
    if not again and _observed(before) == _observed(after):
        return []
    return [(lambda it: FixDeployed(fix=it), judgement.stage.since)]


def _observed(fix: Fix) -> tuple[object, ...]:
    return fix.deployed_at, fix.deployed_to, fix.observe_until


def _proof(case: Case, before: Fix, after: Fix, judgement: Judgement) -> list[_Telling[Fix]]:
    verdicts = (before.state, before.verified_at, before.regressed_at)
    if verdicts == (after.state, after.verified_at, after.regressed_at):
        return []
    if judgement.regressed_at:
        by = judgement.regressed_by
        return [(lambda it: FixRegressed(fix=it, incident_id=by), judgement.regressed_at)]
    if judgement.verified_at:
        settled = _settled(case, judgement, judgement.verified_at)
        return [(lambda it: FixVerified(fix=it, incident_ids=settled), judgement.verified_at)]
    return []


def _settled(case: Case, judgement: Judgement, until: datetime) -> tuple[IncidentId, ...]:
    """Name the incidents that a verified fix settles: where it is in place, and not yet closed."""
    return tuple(
        fault.incident_id
        for fault in sorted(case.faults or (), key=lambda fault: fault.by_report)
        if judgement.stage.covers(fault)
        and fault.finding.started_at <= until
        and not (fault.course and fault.course.closed)
    )
