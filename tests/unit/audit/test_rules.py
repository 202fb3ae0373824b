"""The audit's comparisons, without any store: given what stores hold, then that is wrong."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mejora.audit.findings import Finding, Kind
from mejora.audit.ledger import Accepted, LedgerUnreadable, read_ledger
from mejora.audit.picture import (
    INCIDENT,
    KEY,
    PROBLEM,
    Frame,
    Letter,
    ProblemCount,
    Received,
    Signal,
    SignalsHeld,
    Snapshot,
    Told,
)
from mejora.audit.rules import (
    accepted_are_kept,
    copies_agree,
    each_is_diagnosed,
    events_arrived,
    feed_is_whole,
    letters_wait,
    occurrences_add_up,
    problems_count_right,
)

REPORTED = "mejora.incident.reported.v1"
ISSUED = "mejora.access.key-issued.v1"
CHANGED = "mejora.catalogue.entity-changed.v1"


def an_id(n: int) -> UUID:
    return UUID(int=n)


def kinds(findings: Iterable[Finding]) -> list[tuple[Kind, str]]:
    return sorted((f.kind, f.id) for f in findings)


def from_intake(n: int) -> Received:
    return Received("/mejora/intake", an_id(n))


def told(*numbers: int, event_type: str = REPORTED, waits: bool = False) -> list[Told]:
    return [Told(an_id(n), event_type, waits) for n in numbers]


def a_letter(n: int, state: str = "dead", key: str = "k") -> Letter:
    return Letter(an_id(n + 1000), str(an_id(n)), INCIDENT.topic, key, state, "why")


class TestAcceptedMessages:
    ledger = (Accepted(source="s", id="1", incident_id=an_id(1)),)

    def test_one_that_is_kept_with_its_incident_is_well(self) -> None:
        held = SignalsHeld(of_ledger=[Signal("s", "1", an_id(1))])
        assert not list(accepted_are_kept(self.ledger, held))

    def test_one_that_is_not_kept_is_lost(self) -> None:
        held = SignalsHeld(of_ledger=[Signal("other", "1", an_id(1))])
        assert kinds(accepted_are_kept(self.ledger, held)) == [(Kind.LOST, "s 1")]

    def test_one_that_belongs_to_another_incident_than_was_answered_is_different(self) -> None:
        held = SignalsHeld(of_ledger=[Signal("s", "1", an_id(2))])
        assert kinds(accepted_are_kept(self.ledger, held)) == [(Kind.DIFFERENT, "s 1")]

    def test_two_answers_about_one_message_that_differ_cannot_both_be_right(self) -> None:
        ledger = (*self.ledger, Accepted(source="s", id="1", incident_id=an_id(2)))
        held = SignalsHeld(of_ledger=[Signal("s", "1", an_id(1))])
        assert kinds(accepted_are_kept(ledger, held)) == [(Kind.DIFFERENT, "s 1")]


class TestIncidentsAndTheirSignals:
    def test_counts_that_are_equal_are_well(self) -> None:
        assert not list(occurrences_add_up(SignalsHeld(counted={"i": 2}, occurrences={"i": 2})))

    def test_a_missing_signal_is_lost_and_one_too_many_doubled(self) -> None:
        held = SignalsHeld(counted={"few": 1, "many": 3}, occurrences={"few": 2, "many": 2})
        assert kinds(occurrences_add_up(held)) == [(Kind.DOUBLED, "many"), (Kind.LOST, "few")]

    def test_signals_of_an_incident_that_is_not_there_name_it(self) -> None:
        found = occurrences_add_up(SignalsHeld(counted={"gone": 2}))
        assert kinds(found) == [(Kind.LOST, "gone")]

    def test_a_signal_that_is_there_twice_is_doubled(self) -> None:
        found = occurrences_add_up(SignalsHeld(doubled=[("s", "1")]))
        assert kinds(found) == [(Kind.DOUBLED, "s 1")]


class TestEvents:
    listens: Mapping[str, set[str]] = {"intake": {ISSUED}, "diagnosis": {REPORTED, CHANGED}}

    def frames(self, reader: Frame, writer: Frame) -> dict[str, Frame]:
        return {"intake": writer, "diagnosis": reader}

    def arrived(self, reader: Frame, writer: Frame) -> list[tuple[Kind, str]]:
        return kinds(events_arrived(self.frames(reader, writer), self.listens))

    def test_what_was_told_and_received_is_well(self) -> None:
        assert not self.arrived(Frame(received=[from_intake(1)]), Frame(told=told(1)))

    def test_what_was_told_and_not_received_is_lost(self) -> None:
        assert self.arrived(Frame(), Frame(told=told(1))) == [(Kind.LOST, str(an_id(1)))]

    def test_what_nobody_listens_to_is_not_missed(self) -> None:
        assert not self.arrived(Frame(), Frame(told=told(1, event_type="another")))

    def test_of_what_only_the_newest_is_kept_an_older_one_is_not_missed(self) -> None:
        assert not self.arrived(Frame(), Frame(told=told(1, event_type=CHANGED)))

    def test_what_was_received_and_never_told_is_unknown(self) -> None:
        found = self.arrived(Frame(received=[from_intake(1)]), Frame())
        assert found == [(Kind.UNKNOWN, str(an_id(1)))]

    def test_what_waits_in_the_outbox_may_have_been_received_already(self) -> None:
        found = self.arrived(Frame(received=[from_intake(1)]), Frame(told=told(1, waits=True)))
        assert found == [(Kind.WAITING, str(an_id(1)))]

    def test_what_is_in_journal_and_outbox_is_doubled(self) -> None:
        writer = Frame(told=[*told(1), *told(1, waits=True)])
        found = self.arrived(Frame(received=[from_intake(1)]), writer)
        assert (Kind.DOUBLED, str(an_id(1))) in found

    def test_what_became_a_letter_is_not_lost_but_parked_until_it_is_dropped(self) -> None:
        for state in ("dead", "waiting", "dropped"):
            assert not self.arrived(Frame(letters=[a_letter(1, state)]), Frame(told=told(1)))
        letters = [a_letter(1), a_letter(2, "waiting"), a_letter(3, "dropped")]
        found = list(letters_wait({"diagnosis": letters}))
        assert [f.kind for f in found] == [Kind.PARKED, Kind.PARKED]

    @given(
        published=st.sets(st.integers(1, 30)),
        waiting=st.sets(st.integers(31, 60)),
        lost=st.sets(st.integers(1, 60)),
        invented=st.sets(st.integers(61, 90)),
    )
    def test_exactly_what_was_lost_or_invented_is_named(
        self, published: set[int], waiting: set[int], lost: set[int], invented: set[int]
    ) -> None:
        writer = Frame(told=[*told(*published), *told(*waiting, waits=True)])
        received = ((published | waiting) - lost) | invented
        found = self.arrived(Frame(received=[from_intake(n) for n in received]), writer)
        assert found == sorted(
            [(Kind.LOST, str(an_id(n))) for n in (published | waiting) & lost]
            + [(Kind.UNKNOWN, str(an_id(n))) for n in invented]
            + [(Kind.WAITING, str(an_id(n))) for n in waiting]
        )


class TestTheFeed:
    def frames(self, *received: int, event_type: str = REPORTED) -> dict[str, Frame]:
        return {
            "intake": Frame(told=told(*received, event_type=event_type)),
            "improvement": Frame(received=[from_intake(n) for n in received]),
        }

    def test_each_event_is_there_once(self) -> None:
        assert not list(feed_is_whole(self.frames(1), {from_intake(1): 1}))

    def test_one_that_is_missing_is_lost_and_one_too_often_doubled(self) -> None:
        found = feed_is_whole(self.frames(1, 2), {from_intake(2): 2})
        assert kinds(found) == [(Kind.DOUBLED, str(an_id(2))), (Kind.LOST, str(an_id(1)))]

    def test_one_that_was_never_received_is_unknown_unless_a_stranger_wrote_it(self) -> None:
        stranger = Received("https://elsewhere.example", an_id(2))
        found = feed_is_whole(self.frames(), {from_intake(1): 1, stranger: 1})
        assert kinds(found) == [(Kind.UNKNOWN, str(an_id(1)))]

    def test_keys_are_not_in_the_feed(self) -> None:
        assert not list(feed_is_whole(self.frames(1, event_type=ISSUED), {}))


def versions(**held: int) -> list[Snapshot]:
    return [Snapshot(name, version, f"key-{name}") for name, version in held.items()]


class TestCopies:
    def agree(
        self, own: list[Snapshot], copy: list[Snapshot], *excused: str
    ) -> list[tuple[Kind, str]]:
        return kinds(
            copies_agree(INCIDENT, own, None, {"problem": copy}, {"problem": set(excused)})
        )

    def test_a_copy_of_the_newest_version_is_well(self) -> None:
        assert not self.agree(versions(i=2), versions(i=2))

    def test_a_copy_may_be_missing_behind_or_of_something_that_nobody_has(self) -> None:
        assert self.agree(versions(i=2), []) == [(Kind.LOST, "i")]
        assert self.agree(versions(i=2), versions(i=1)) == [(Kind.DIFFERENT, "i")]
        assert self.agree([], versions(i=1)) == [(Kind.UNKNOWN, "i")]

    def test_a_copy_is_excused_while_a_letter_of_its_key_waits(self) -> None:
        assert not self.agree(versions(i=2), versions(i=1), "key-i")
        assert not self.agree(versions(i=2), [], "key-i")

    def test_rows_that_are_there_twice_are_doubled(self) -> None:
        assert self.agree(versions(i=1) * 2, versions(i=1)) == [(Kind.DOUBLED, "i")]
        assert self.agree(versions(i=1), versions(i=1) * 2) == [(Kind.DOUBLED, "i")]

    def test_what_changes_without_being_told_is_compared_with_the_newest_that_was(self) -> None:
        def agree(own: int, newest_told: int, copy: int) -> list[tuple[Kind, str]]:
            copies = {"diagnosis": versions(p=copy)}
            return kinds(copies_agree(PROBLEM, versions(p=own), {"p": newest_told}, copies, {}))

        assert not agree(own=3, newest_told=2, copy=2)
        assert agree(own=3, newest_told=2, copy=1) == [(Kind.DIFFERENT, "p")]
        assert agree(own=3, newest_told=2, copy=3) == [(Kind.DIFFERENT, "p")]
        assert agree(own=1, newest_told=2, copy=2) == [(Kind.LOST, "p")]

    def test_a_service_may_know_a_key_that_only_it_was_given(self) -> None:
        assert not list(copies_agree(KEY, [], None, {"problem": versions(k=1)}, {}))


class TestDiagnosesAndProblems:
    def test_an_incident_without_a_diagnosis_is_named(self) -> None:
        incidents, diagnoses = versions(a=1, b=1, c=1), versions(a=1)
        found = each_is_diagnosed(incidents, diagnoses, {"c"})
        assert kinds(found) == [(Kind.LOST, "b")]

    def test_a_problem_counts_the_incidents_of_its_signature(self) -> None:
        signatures = {"i1": "s", "i2": "s"}

        def right(incidents: int, *excused: str) -> list[tuple[Kind, str]]:
            problems = {"s": ProblemCount("p", incidents)}
            return kinds(problems_count_right(signatures, problems, set(excused)))

        assert not right(2)
        assert right(1) == [(Kind.LOST, "p")]
        assert right(3) == [(Kind.DOUBLED, "p")]
        assert not right(1, "i2")

    def test_two_incidents_of_a_signature_without_a_problem_are_one_lost(self) -> None:
        signatures = {"i1": "s", "i2": "s", "i3": "alone"}
        assert kinds(problems_count_right(signatures, {}, ())) == [(Kind.LOST, "s")]


class TestTheLedger:
    def test_lines_are_read_and_more_than_is_needed_is_left_aside(self) -> None:
        line = f'{{"source": "s", "id": "1", "incident_id": "{an_id(1)}", "rule": "x"}}'
        assert read_ledger([line, "", '{"source": "s", "id": "2", "incident_id": null}']) == [
            Accepted(source="s", id="1", incident_id=an_id(1)),
            Accepted(source="s", id="2", incident_id=None),
        ]

    def test_a_line_that_is_none_is_named(self) -> None:
        try:
            read_ledger(["", '{"source": "s"}'])
        except LedgerUnreadable as error:
            assert str(error).startswith("line 2: id:")
        else:
            raise AssertionError("it was read")
