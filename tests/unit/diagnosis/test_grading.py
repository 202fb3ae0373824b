"""What turned out to be true, held against what diagnoses say."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.diagnose import grade_by, revise_severity
from mejora_diagnosis.model.grading import Teller, Truth, grade, mark
from mejora_events.contracts.base import Severity
from mejora_events.contracts.diagnoses import FailurePoint, Mark, Scope, ScopeKind
from support.diagnosed import RULES, a_diagnosis, at, the_shop

SAID = a_diagnosis(failure_point="db", scope=ScopeKind.BOUNDED)

truths = st.builds(
    Truth,
    teller=st.sampled_from(Teller),
    because=st.just("somebody said so"),
    at=st.integers(0, 99).map(at),
    failure_point=st.sampled_from([None, "db", "cart"]),
    scope=st.sampled_from([None, ScopeKind.BOUNDED, ScopeKind.GENERALISED]),
    same_fault=st.sampled_from([None, True, False]),
)


def test_each_answer_is_marked_by_what_is_known_of_it() -> None:
    truth = Truth(Teller.ROOT_CAUSE, "the root cause", at(9), "cart", ScopeKind.BOUNDED)
    graded = grade(SAID, [truth])
    assert graded is not None
    assert (graded.failure_point, graded.scope, graded.signature) == (Mark.WRONG, Mark.RIGHT, None)
    assert (graded.true_failure_point, graded.graded_at) == ("cart", at(9))
    assert [it.answer for it in graded.because] == ["cart", "bounded"]


def test_who_looked_at_the_incident_is_believed_before_the_cause_of_its_fault() -> None:
    cause = Truth(Teller.ROOT_CAUSE, "the root cause", at(9), "cart", same_fault=True)
    person = Truth(Teller.PERSON, "platform said so", at(5), "db")
    graded = grade(SAID, [cause, person])
    assert graded is not None
    assert (graded.failure_point, graded.signature) == (Mark.RIGHT, Mark.RIGHT)


def test_a_merge_says_more_of_signatures_than_a_fix() -> None:
    fix = Truth(Teller.FIX, "v2 was verified", at(9), "db", same_fault=True)
    merge = Truth(Teller.REGROUPING, "it was merged", at(5), same_fault=False)
    graded = grade(SAID, [fix, merge])
    assert graded is not None
    assert (graded.failure_point, graded.signature) == (Mark.RIGHT, Mark.WRONG)


def test_an_unknown_scope_is_neither_right_nor_wrong() -> None:
    truth = Truth(Teller.PERSON, "x", at(1), scope=ScopeKind.GENERALISED)
    graded = grade(a_diagnosis(failure_point="db", scope=ScopeKind.UNKNOWN), [truth])
    assert graded is not None
    assert (graded.scope, graded.true_scope) == (None, ScopeKind.GENERALISED)


def test_nothing_is_graded_while_nothing_is_known() -> None:
    assert grade(SAID, []) is None
    assert grade_by(SAID, [Truth(Teller.ROOT_CAUSE, "x", at(1))]) is None


def test_the_same_truth_twice_changes_nothing() -> None:
    truth = Truth(Teller.ROOT_CAUSE, "x", at(1), "db")
    once = grade_by(SAID, [truth])
    assert once is not None
    assert once.revised == ("grading",)
    assert once.diagnosis.version == SAID.version + 1
    assert grade_by(once.diagnosis, [truth]) is None


def test_what_is_revised_afterwards_is_marked_anew() -> None:
    truth = Truth(Teller.ROOT_CAUSE, "x", at(1), "cart", ScopeKind.GENERALISED)
    graded = grade(SAID, [truth])
    assert graded is not None
    moved = SAID.model_copy(
        update={
            "failure_point": FailurePoint(component="cart"),
            "scope": Scope(kind=ScopeKind.GENERALISED, affected=3, could_be_affected=4),
        }
    )
    marked = mark(moved, graded)
    assert (marked.failure_point, marked.scope) == (Mark.RIGHT, Mark.RIGHT)
    kept = moved.model_copy(update={"grading": graded})
    revised = revise_severity(kept, Severity.CRITICAL, Catalogue(the_shop()), RULES)
    assert revised is not None
    assert revised.diagnosis.grading == marked


@given(st.lists(truths, max_size=6))
def test_the_order_in_which_truths_are_told_does_not_matter(told: Sequence[Truth]) -> None:
    distinct = {(it.teller, it.at): it for it in told}
    listed = list(distinct.values())
    assert grade(SAID, listed) == grade(SAID, listed[::-1])
