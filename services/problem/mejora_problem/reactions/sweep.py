"""What only time brings: verdicts at the end of their windows, and escalations."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

from mejora_events.ids import ProblemId
from mejora_events.store import Work
from mejora_problem.model.case import Case
from mejora_problem.model.escalation import Escalation, escalate
from mejora_problem.reactions.settling import Touch, settle_all
from mejora_problem.store import cases, copies, promises

_VERDICTS_A_ROUND = 500


async def sweep(work: Work, superior_after: timedelta) -> None:
    """Give the verdicts that are due and take the steps that are; a second round does nothing."""
    due = await promises.verdicts_due(work.conn, work.now, _VERDICTS_A_ROUND)
    late = {name for name, _ in await promises.overdue(work.conn, work.now)}
    if not due and not late:
        return
    await cases.lock_signatures(work.conn, due | late)
    steps = await _steps(work, late, superior_after)
    taken: list[tuple[ProblemId, Escalation]] = []

    def with_steps(case: Case) -> Case:
        mine = steps.get(case.signature_id, [])
        taken.extend((case.problem_id, step) for step in mine)
        return replace(case, escalations=tuple(mine))

    await settle_all(work, {name: Touch() for name in sorted(due | steps.keys())}, with_steps)
    if taken:
        await promises.take_steps(work.conn, taken)


async def _steps(
    work: Work, signature_ids: set[str], superior_after: timedelta
) -> dict[str, list[Escalation]]:
    """Decide on the steps for what is overdue in these signatures, which are locked."""
    late = await promises.overdue(work.conn, work.now, signature_ids)
    taken = await promises.steps_taken(work.conn, (promise.promise_id for _, promise in late))
    superiors = await copies.superiors_of(work.conn, (promise.owner for _, promise in late))
    steps: defaultdict[str, list[Escalation]] = defaultdict(list)
    signature_of = {promise.promise_id: name for name, promise in late}
    for step in escalate(
        (promise for _, promise in late), taken, superiors, superior_after, work.now
    ):
        steps[signature_of[step.promise_id]].append(step)
    return steps
