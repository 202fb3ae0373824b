"""The life of a workaround: applied, its promise moved, overdue, failed or retired."""

from datetime import datetime

from mejora_events.contracts.workarounds import Workaround, WorkaroundState
from mejora_events.ids import ProblemId


class NotInUse(Exception):
    """The workaround has failed or was retired already."""


class DueTooEarly(Exception):
    """A workaround must be gone after it was applied, not before."""


def check_promise(applied_at: datetime, due_at: datetime) -> None:
    """Check the date on which a workaround must be gone. Raises DueTooEarly."""
    if due_at <= applied_at:
        raise DueTooEarly


def fail(workaround: Workaround, at: datetime, because: str = "") -> Workaround:
    """Note that it was tried and did not carry the service. Raises NotInUse."""
    return _next(workaround, state=WorkaroundState.FAILED, failed_at=at, ended_because=because)


def retire(
    workaround: Workaround,
    at: datetime,
    problem_id: ProblemId | None = None,
    because: str = "",
) -> Workaround:
    """Note that it is no longer in use. Raises NotInUse.

    What was gone by then did not become overdue afterwards, also when it is told late.
    """
    overdue = workaround.overdue_since
    return _next(
        workaround,
        state=WorkaroundState.RETIRED,
        retired_at=at,
        ended_because=because,
        problem_id=workaround.problem_id or problem_id,
        overdue_since=overdue if overdue and overdue <= at else None,
    )


def move_promise(workaround: Workaround, due_at: datetime) -> Workaround:
    """Move the date on which it must be gone; that it was moved is counted. Raises NotInUse.

    A workaround that was overdue is not any more, and can become so again.
    """
    check_promise(workaround.applied_at, due_at)
    return _next(
        workaround,
        due_at=due_at,
        promise_moves=workaround.promise_moves + 1,
        overdue_since=None,
    )


def fall_overdue(workaround: Workaround) -> Workaround:
    """Note that it should be gone and is not, since its date. Raises NotInUse."""
    return _next(workaround, overdue_since=workaround.due_at)


def _next(workaround: Workaround, **changes: object) -> Workaround:
    if workaround.state is not WorkaroundState.APPLIED:
        raise NotInUse
    return workaround.model_copy(update={**changes, "version": workaround.version + 1})
