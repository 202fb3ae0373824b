"""What was promised and is overdue goes to its owner, then to the owner's superior role."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from mejora_events.contracts.base import Time, Value


class Promised(StrEnum):
    """What can be overdue."""

    ACTION = "action"
    FIX = "fix"
    WORKAROUND = "workaround"


class Step(StrEnum):
    """Whom an escalation asks; a step is taken once for each promised date."""

    OWNER = "owner"
    SUPERIOR = "superior"


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that somebody said would be done by a day."""

    kind: Promised
    promise_id: UUID
    what: str
    owner: str
    due_at: datetime


class Escalation(Value):
    """A step that was taken."""

    kind: Promised
    promise_id: UUID
    due_at: Time
    step: Step
    escalated_to: str
    reason: str
    escalated_at: Time


def escalate(
    promises: Iterable[Promise],
    taken: Sequence[Escalation],
    superiors: Mapping[str, str],
    superior_after: timedelta,
    now: datetime,
) -> list[Escalation]:
    """Tell which steps are due: the owner first; the superior when that did not help in time.

    `superiors` gives each role's superior role. A date that was moved begins with the owner again.
    """
    steps = {(one.promise_id, one.due_at, one.step): one for one in taken}
    due = []
    for promise in promises:
        if promise.due_at >= now:
            continue
        asked = steps.get((promise.promise_id, promise.due_at, Step.OWNER))
        if asked is None:
            due.append(_step(promise, Step.OWNER, promise.owner, now))
            continue
        superior = superiors.get(promise.owner)
        waited = now - asked.escalated_at >= superior_after
        if superior and waited and (promise.promise_id, promise.due_at, Step.SUPERIOR) not in steps:
            due.append(_step(promise, Step.SUPERIOR, superior, now))
    return due


def _step(promise: Promise, step: Step, to: str, now: datetime) -> Escalation:
    return Escalation(
        kind=promise.kind,
        promise_id=promise.promise_id,
        due_at=promise.due_at,
        step=step,
        escalated_to=to,
        reason=f"{promise.kind} “{promise.what}” was promised for {promise.due_at:%Y-%m-%d %H:%M} "
        f"UTC by {promise.owner} and is not done",
        escalated_at=now,
    )
