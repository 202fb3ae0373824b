"""What is overdue goes to the owner, then to the owner's superior role, once each."""

from datetime import timedelta

from mejora_problem.model.escalation import Escalation, Promise, Promised, Step, escalate
from support.problems import an_id, day

PROMISE = Promise(Promised.FIX, an_id(1), "a larger pool", "payments team", day(10))
SUPERIORS = {"payments team": "head of payments"}


def due(now: float, taken: list[Escalation], promise: Promise = PROMISE) -> list[Escalation]:
    return escalate([promise], taken, SUPERIORS, timedelta(days=2), day(now))


def test_nothing_is_escalated_before_it_is_overdue() -> None:
    assert due(10, []) == []


def test_the_owner_is_asked_first_and_only_once() -> None:
    (asked,) = due(11, [])
    assert (asked.step, asked.escalated_to) == (Step.OWNER, "payments team")
    assert "a larger pool" in asked.reason
    assert due(12.9, [asked]) == []


def test_the_superior_is_asked_once_the_owner_had_time() -> None:
    taken = due(11, [])
    (asked,) = due(13, taken)
    assert (asked.step, asked.escalated_to) == (Step.SUPERIOR, "head of payments")
    assert due(300, [*taken, asked]) == []


def test_without_a_superior_the_owner_is_asked_and_nobody_else() -> None:
    lonely = Promise(Promised.ACTION, an_id(2), "train", "night shift", day(10))
    taken = due(11, [], lonely)
    assert len(taken) == 1
    assert due(300, taken, lonely) == []


def test_a_date_that_was_moved_begins_with_the_owner_again() -> None:
    taken = due(11, [])
    moved = Promise(Promised.FIX, PROMISE.promise_id, "a larger pool", "payments team", day(20))
    assert due(15, taken, moved) == []
    (asked,) = due(21, taken, moved)
    assert asked.step is Step.OWNER
