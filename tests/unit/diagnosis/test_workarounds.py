"""The life of a workaround."""

from uuid import UUID

import pytest

from mejora_diagnosis.model.workarounds import (
    DueTooEarly,
    NotInUse,
    check_promise,
    fail,
    fall_overdue,
    move_promise,
    retire,
)
from mejora_events.contracts.workarounds import Workaround, WorkaroundState
from mejora_events.ids import IncidentId, ProblemId, WorkaroundId
from support.diagnosed import at

APPLIED = Workaround(
    workaround_id=WorkaroundId(UUID(int=1)),
    incident_id=IncidentId(UUID(int=2)),
    version=1,
    state=WorkaroundState.APPLIED,
    signature_id="s",
    component="db",
    description="use the replica",
    owner="platform",
    applied_at=at(0),
    applied_by="key:ops",
    due_at=at(100),
)


def test_it_must_be_gone_after_it_was_applied() -> None:
    check_promise(at(0), at(1))
    with pytest.raises(DueTooEarly):
        check_promise(at(0), at(0))
    with pytest.raises(DueTooEarly):
        move_promise(APPLIED, at(-1))


def test_failing_and_retiring_end_it() -> None:
    failed = fail(APPLIED, at(5))
    assert (failed.state, failed.failed_at, failed.version) == (WorkaroundState.FAILED, at(5), 2)
    retired = retire(APPLIED, at(6), ProblemId(UUID(int=3)))
    assert (retired.state, retired.retired_at) == (WorkaroundState.RETIRED, at(6))
    assert retired.problem_id == UUID(int=3)
    for ended in (failed, retired):
        for change in (lambda it: fail(it, at(7)), lambda it: retire(it, at(7)), fall_overdue):
            with pytest.raises(NotInUse):
                change(ended)


def test_moving_the_promise_is_counted_and_ends_its_being_overdue() -> None:
    overdue = fall_overdue(APPLIED)
    assert overdue.overdue_since == at(100)
    moved = move_promise(move_promise(overdue, at(200)), at(300))
    assert (moved.promise_moves, moved.due_at, moved.overdue_since) == (2, at(300), None)
    assert moved.version == 4


def test_what_was_gone_in_time_was_never_overdue_even_if_told_late() -> None:
    assert retire(fall_overdue(APPLIED), at(50)).overdue_since is None
    assert retire(fall_overdue(APPLIED), at(150)).overdue_since == at(100)
