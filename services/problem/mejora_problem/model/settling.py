"""`settle` is the one place where a problem or a fix changes.

It draws the whole state anew from what is known and says what is different from before. So the
state is the same whatever the order in which incidents, diagnoses, workarounds, changes and
commands became known; only the events that tell of it differ.
"""

from collections.abc import Sequence
from datetime import datetime

from mejora_events.contracts.fixes import Fix, FixState
from mejora_events.contracts.problems import (
    Action,
    ActionState,
    Problem,
    ProblemReopened,
    ProblemResolved,
    ProblemState,
)
from mejora_problem.model.case import Case, Outcome
from mejora_problem.model.fixes import Judgement, verdict
from mejora_problem.model.opening import Opening, open_or_recur
from mejora_problem.model.telling import tell_fix, tell_problem

_ENDINGS = (ProblemResolved, ProblemReopened)

UNRATED_PRIORITY = 3
"""The priority of a problem that nothing gives one."""


def settle(case: Case, now: datetime) -> Outcome:
    """Draw the problem and its fixes from what is known, and tell what has changed."""
    opening = open_or_recur(case.summary, case.by_hand)
    if opening is None:
        return Outcome()
    judgements = _judgements(case, now)
    fixes = [
        judgement.applied_to(one.fix) if judgement else one.fix
        for one, judgement in zip(case.fixes, judgements, strict=True)
    ]
    problem, said = tell_problem(case, _drawn(case, opening, fixes, now))
    written = []
    for one, fix, judgement in zip(case.fixes, fixes, judgements, strict=True):
        told, fix_said = tell_fix(case, one.fix, fix, judgement)
        said += fix_said
        if told != one.fix:
            written.append(told)
    return Outcome(
        problem=problem if problem != case.problem else None,
        fixes=tuple(written),
        # The verdict on a fix is told before what it means for the problem.
        said=tuple(sorted(said, key=lambda one: isinstance(one.data, _ENDINGS))),
    )


def _judgements(case: Case, now: datetime) -> list[Judgement | None]:
    faults = case.faults
    if faults is None:
        return [None for _ in case.fixes]
    return [verdict(one.deployments, faults, now) for one in case.fixes]


def _drawn(case: Case, opening: Opening, fixes: Sequence[Fix], now: datetime) -> Problem:
    summary, by_hand = case.summary, case.by_hand
    first = summary.first_two[0].finding if summary.first_two else None
    latest = summary.latest.finding if summary.latest else None
    resolved_at = _resolved_at(case, fixes)
    priorities = (summary.priority, by_hand.priority if by_hand else None)
    owners = (
        by_hand.owner if by_hand else None,
        latest.owner if latest else None,
        first.owner if first else None,
    )
    template = first.template if first else ""
    return Problem(
        problem_id=case.problem_id,
        version=case.problem.version if case.problem else 0,
        state=_state(case, resolved_at),
        signature_id=case.signature_id,
        template=template,
        component=by_hand.component if by_hand else first.component if first else "",
        title=by_hand.title if by_hand else template,
        owner=next((owner for owner in owners if owner), None),
        priority=min((one for one in priorities if one is not None), default=UNRATED_PRIORITY),
        opened_at=opening.at,
        opened_because=opening.because,
        incidents=summary.count,
        first_incident_at=first.started_at if first else None,
        last_incident_at=latest.started_at if latest else None,
        root_cause=case.root_cause,
        actions=tuple(action_as_of(action, now) for action in case.actions),
        resolved_at=resolved_at,
    )


def _state(case: Case, resolved_at: datetime | None) -> ProblemState:
    if resolved_at:
        return ProblemState.RESOLVED
    if case.root_cause is None:
        return ProblemState.OPEN
    return ProblemState.KNOWN_ERROR if case.workaround_worked else ProblemState.CAUSE_KNOWN


def _resolved_at(case: Case, fixes: Sequence[Fix]) -> datetime | None:
    """Tell when a verified fix resolved the problem; it did not if the fault came back since.

    A fault that comes back where the fix is not in place does not count against the fix, but the
    problem is not gone.
    """
    last = max((fault.finding.started_at for fault in case.faults or ()), default=None)
    verified = [
        fix.verified_at for fix in fixes if fix.state is FixState.VERIFIED and fix.verified_at
    ]
    return min((at for at in verified if last is None or at >= last), default=None)


def action_as_of(action: Action, now: datetime) -> Action:
    """Give an action with the state that it has now."""
    if action.done_at:
        state = ActionState.DONE
    else:
        state = ActionState.OVERDUE if action.due_at < now else ActionState.PLANNED
    return action.model_copy(update={"state": state})


def problem_as_of(problem: Problem, now: datetime) -> Problem:
    """Give a problem as it stands now: its actions with the state that they have now."""
    actions = tuple(action_as_of(action, now) for action in problem.actions)
    return problem.model_copy(update={"actions": actions})
