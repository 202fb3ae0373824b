"""A diagnosis: all answers with their evidence, and how they are revised."""

from uuid import UUID

import pytest

from mejora_diagnosis.model.cascade import Failing, Neighbourhood
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.channel import TriedWorkaround
from mejora_diagnosis.model.diagnose import (
    diagnose,
    note_answers,
    revise_place,
    revise_severity,
)
from mejora_diagnosis.model.evidence import Report
from mejora_diagnosis.model.history import History, KnownFix, KnownProblem
from mejora_diagnosis.model.questions import Answer, NoSuchQuestion
from mejora_diagnosis.model.scope import HowMany
from mejora_diagnosis.model.signature import sign
from mejora_events.contracts.base import Channel, Severity
from mejora_events.contracts.catalogue import Component
from mejora_events.contracts.changes import ChangeKind, ChangeRecorded
from mejora_events.contracts.diagnoses import Diagnosis, ScopeKind, ScopeUnit
from mejora_events.contracts.fixes import FixState
from mejora_events.contracts.incidents import Incident
from mejora_events.ids import ChangeId, DiagnosisId, IncidentId, ProblemId, WorkaroundId
from mejora_events.places import names_of_places
from support.diagnosed import RULES, an_incident, at, the_shop

SHOP = Catalogue(the_shop())
NO_HISTORY = History()
TODAY = "what_happened", "how", "who_else", "what_changed"


def failing(component: str, number: int, minutes: float = 0, instances: int = 0) -> Failing:
    since, affected = at(minutes), HowMany(instances, 0, 0)
    return Failing(component, since, IncidentId(UUID(int=number)), affected, {"down": since})


def around(*found: Failing, catalogue: Catalogue = SHOP) -> Neighbourhood:
    return Neighbourhood(catalogue, found, RULES.window_minutes)


def diagnosed(
    incident: Incident, near: Neighbourhood | None = None, history: History = NO_HISTORY
) -> Diagnosis:
    component = SHOP.resolve(incident.component)
    report = Report(
        incident=incident,
        component=component,
        signature=sign(component, incident.summary, names_of_places(incident.labels)),
        severity=incident.severity,
        diagnosis_id=DiagnosisId(UUID(int=77)),
        at=incident.reported_at,
    )
    near = near or around(failing(component, incident.incident_id.int))
    return diagnose(report, SHOP, near, history, RULES)


def evidence(diagnosis: Diagnosis, question: str) -> tuple[str, str]:
    (found,) = [it for it in diagnosis.evidence if question in it.question]
    return found.answer, found.because


class TestDiagnosing:
    def test_every_answer_carries_what_it_rests_on(self) -> None:
        found = diagnosed(an_incident(1, "checkout", severity=Severity.CRITICAL))
        assert {it.question.split()[0] for it in found.evidence} >= {
            *("What", "Since", "Who", "Where", "Is", "How", "Was")
        }
        assert all(it.answer and it.because for it in found.evidence)

    def test_who_is_hit_and_how_much_it_matters(self) -> None:
        found = diagnosed(an_incident(1, "checkout", severity=Severity.CRITICAL))
        assert found.affected.customers == ("acme",)
        assert (found.impact, found.urgency, found.priority) == (1, 1, 1)

    def test_the_owner_of_the_beginning_owns_it(self) -> None:
        near = around(failing("checkout", 1), failing("db", 2))
        found = diagnosed(an_incident(1, "checkout"), near)
        assert found.failure_point.component == "db"
        assert found.failure_point.cascade == (UUID(int=2),)
        assert found.owner == "platform"
        assert {it.put_to for it in found.open_questions} == {"platform"}

    def test_what_nobody_owns_is_asked_of_operations(self) -> None:
        found = diagnosed(an_incident(1, "unheard-of"))
        assert found.owner is None
        assert [it.key for it in found.open_questions] == [*TODAY, "who_owns"]
        assert {it.put_to for it in found.open_questions} == {"operations"}
        assert "does not list" in evidence(found, "What failed")[1]

    def test_another_name_is_told_with_the_catalogues_own(self) -> None:
        found = diagnosed(an_incident(1, "postgres-main"))
        assert found.component == "db"
        assert (
            "'postgres-main', which the catalogue calls 'db'" in evidence(found, "What failed")[1]
        )

    def test_scope_has_both_numbers(self) -> None:
        found = diagnosed(an_incident(1, "db"), around(failing("db", 1, instances=1)))
        (count,) = found.scope.counts
        assert (found.scope.kind, found.scope.unit) == (ScopeKind.BOUNDED, ScopeUnit.INSTANCES)
        assert (found.scope.affected, found.scope.could_be_affected) == (1, 4)
        assert (count.affected, count.could_be_affected) == (1, 4)

    def test_a_known_error_comes_with_its_workaround_and_how_often_it_worked(self) -> None:
        problem = KnownProblem(ProblemId(UUID(int=5)), "db refuses", "too few connections")
        tried = TriedWorkaround("use the replica", WorkaroundId(UUID(int=6)), 3, 2)
        history = History(seen_before=3, problem=problem, tried=(tried,))
        found = diagnosed(an_incident(1, "db"), history=history)
        assert found.known_error is not None
        assert (found.known_error.workaround, found.known_error.tried) == ("use the replica", 3)
        assert found.known_error.worked == 2
        assert found.seen_before == 3
        assert evidence(found, "Is its cause known")[0] == "too few connections"

    def test_a_problem_without_a_cause_is_no_known_error(self) -> None:
        problem = KnownProblem(ProblemId(UUID(int=5)), "db refuses", None)
        assert diagnosed(an_incident(1, "db"), history=History(problem=problem)).known_error is None

    def test_a_fix_in_place_and_recent_changes_are_offered_as_evidence(self) -> None:
        change = ChangeRecorded(
            change_id=ChangeId(UUID(int=3)),
            component="db",
            kind=ChangeKind.CONFIGURATION,
            version="cfg-7",
            changed_at=at(-30),
            changed_by="pipeline",
        )
        fix = KnownFix("db-42", FixState.OBSERVED, at(-60))
        found = diagnosed(an_incident(1, "db"), history=History(fix=fix, changes=(change,)))
        assert evidence(found, "changed") == (
            "db cfg-7 (configuration)",
            "pipeline did so 30 min before it began",
        )
        assert evidence(found, "fix")[0] == "db-42 (observed)"

    def test_the_catalogues_other_way_is_recommended_for_the_critical(self) -> None:
        found = diagnosed(an_incident(1, "checkout")).recommendation
        assert (found.channel, found.alternate) == (Channel.ALTERNATE, "order by phone")


class TestRevising:
    def test_a_late_failing_dependency_moves_the_beginning(self) -> None:
        first = diagnosed(an_incident(1, "checkout"))
        later = around(failing("checkout", 1), failing("db", 2, 3))
        revision = revise_place(first, SHOP, later, RULES)
        assert revision is not None
        assert revision.revised == ("failure_point", "owner", "open_questions")
        assert revision.diagnosis.version == 2
        assert revision.diagnosis.failure_point.component == "db"
        assert {it.put_to for it in revision.diagnosis.open_questions} == {"platform"}
        assert evidence(revision.diagnosis, "Where")[0] == "db"
        assert revise_place(revision.diagnosis, SHOP, later, RULES) is None

    def test_more_instances_make_it_generalised_and_more_urgent(self) -> None:
        first = diagnosed(an_incident(1, "db"), around(failing("db", 1, instances=1)))
        later = around(failing("db", 1, instances=2))
        revision = revise_place(first, SHOP, later, RULES)
        assert revision is not None
        assert revision.revised == ("scope", "urgency", "priority")
        assert revision.diagnosis.urgency < first.urgency

    def test_one_more_of_the_cascade_leaves_the_beginning_and_is_told(self) -> None:
        first = diagnosed(an_incident(1, "db"))
        both = around(failing("db", 1), failing("cart", 2))
        revision = revise_place(first, SHOP, both, RULES)
        assert revision is not None
        assert revision.revised == ("failure_point",)
        assert revision.diagnosis.failure_point.component == "db"
        assert [it.component for it in revision.diagnosis.failure_point.candidates] == [
            "db",
            "cart",
        ]
        assert revise_place(revision.diagnosis, SHOP, both, RULES) is None

    def test_a_worse_severity_grades_it_again(self) -> None:
        first = diagnosed(an_incident(1, "db", severity=Severity.WARNING))
        revision = revise_severity(first, Severity.CRITICAL, SHOP, RULES)
        assert revision is not None
        assert revision.revised == ("severity", "urgency", "priority")
        assert "severity critical" in evidence(revision.diagnosis, "How important")[1]
        assert revise_severity(revision.diagnosis, Severity.CRITICAL, SHOP, RULES) is None


class TestAnswers:
    def test_it_is_complete_when_every_question_is_settled(self) -> None:
        diagnosis = diagnosed(an_incident(1, "db"))
        for minutes, key in enumerate(TODAY, start=1):
            assert diagnosis.completed_at is None
            said = Answer(key, None if key == "how" else "so it was")
            diagnosis = note_answers(diagnosis, [said], "platform", at(minutes)).diagnosis
        assert diagnosis.completed_at == at(4)
        assert [it.unknowable for it in diagnosis.open_questions] == [False, True, False, False]
        assert {it.answered_by for it in diagnosis.open_questions} == {"platform"}

    def test_a_question_is_named_by_its_wording_too_and_can_be_answered_again(self) -> None:
        diagnosis = diagnosed(an_incident(1, "db"))
        said = note_answers(diagnosis, [Answer("What happened?", "rain")], "a", at(1))
        assert said.revised == ("open_questions",)
        again = note_answers(said.diagnosis, [Answer("what_happened", "hail")], "a", at(2))
        assert again.diagnosis.open_questions[0].answer == "hail"
        assert again.diagnosis.version == 3

    def test_what_was_not_asked_cannot_be_answered(self) -> None:
        with pytest.raises(NoSuchQuestion, match="whodunnit"):
            note_answers(diagnosed(an_incident(1, "db")), [Answer("whodunnit", "x")], "a", at(1))

    def test_who_owns_it_is_taken_over(self) -> None:
        diagnosis = diagnosed(an_incident(1, "unheard-of"))
        revision = note_answers(diagnosis, [Answer("who_owns", "platform")], "a", at(1))
        assert revision.diagnosis.owner == "platform"
        assert evidence(revision.diagnosis, "Who owns") == ("platform", "a said so")

    def test_who_owns_what_it_did_not_begin_at_after_all_says_nothing_of_its_owner(self) -> None:
        catalogue = Catalogue([*the_shop(), Component(name="till", depends_on=("db",))])
        first = diagnosed(an_incident(1, "till"), around(failing("till", 1), catalogue=catalogue))
        later = around(failing("till", 1), failing("db", 2), catalogue=catalogue)
        moved = revise_place(first, catalogue, later, RULES)
        assert moved is not None
        assert moved.diagnosis.owner == "platform"
        said = note_answers(moved.diagnosis, [Answer("who_owns", "sales")], "a", at(1)).diagnosis
        assert (said.owner, evidence(said, "Who owns")[0]) == ("platform", "platform")
