"""When a problem opens, and which incidents are its recurrences."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.problems import OpenedBecause
from mejora_events.ids import IncidentId
from mejora_problem.model.occurrences import (
    Occurrence,
    fault_of,
    hear_diagnosis,
    hear_incident,
    summarise,
)
from mejora_problem.model.opening import ByHand, Opening, open_or_recur
from support.problems import a_diagnosis, a_fault, an_id, an_incident, day, faults_at

BY_HAND = ByHand(
    opened_at=day(2), opened_by="key:operator", title="slow", component="web", priority=4
)


def test_one_incident_of_low_priority_opens_nothing() -> None:
    assert open_or_recur(summarise([a_fault(1, 1)]), None) is None


def test_the_first_incident_of_high_priority_opens() -> None:
    for priority in (1, 2):
        opening = open_or_recur(summarise([a_fault(1, 1, priority=priority)]), None)
        assert opening == Opening(day(1), OpenedBecause.HIGH_PRIORITY)


def test_the_second_incident_opens_whichever_was_heard_of_first() -> None:
    for heard in permutations(faults_at([1, 4, 9])):
        opening = open_or_recur(summarise(heard), None)
        assert opening == Opening(day(4), OpenedBecause.SECOND_INCIDENT)


def test_what_came_first_is_the_reason() -> None:
    early = [a_fault(1, 1), a_fault(2, 3), a_fault(3, 5, priority=1)]
    late = [a_fault(1, 1), a_fault(2, 2, priority=1), a_fault(3, 5)]
    assert open_or_recur(summarise(early), None) == Opening(day(3), OpenedBecause.SECOND_INCIDENT)
    assert open_or_recur(summarise(late), None) == Opening(day(2), OpenedBecause.HIGH_PRIORITY)
    assert open_or_recur(summarise(early), BY_HAND) == Opening(day(2), OpenedBecause.BY_HAND)


def test_a_priority_that_is_raised_opens_when_it_is_raised_and_lowering_it_closes_nothing() -> None:
    known = Occurrence(incident_id=IncidentId(an_id(1)))
    versions = [(1, 4, 1.0), (2, 1, 1.5), (3, 4, 1.7)]
    for order in permutations(versions):
        heard = known
        for version, priority, at in order:
            said = a_diagnosis(1, 1, version=version, priority=priority)
            heard = hear_diagnosis(heard, said, day(at))
        fault = fault_of(heard)
        assert fault
        assert fault.finding.priority == 4
        opening = open_or_recur(summarise([fault]), None)
        assert opening == Opening(day(1.5), OpenedBecause.HIGH_PRIORITY)


@given(st.permutations([1, 2, 3]), st.lists(st.sampled_from([1, 2, 3]), max_size=3))
def test_the_newest_snapshot_of_an_incident_counts(order: list[int], again: list[int]) -> None:
    known = Occurrence(incident_id=IncidentId(an_id(1)))
    for version in [*order, *again]:
        known = hear_incident(known, an_incident(1, 1, version=version, host=f"host-{version}"))
    assert known.course
    assert known.course.version == 3
    assert known.course.places == ("checkout", "host-3")


def test_an_incident_without_a_diagnosis_is_no_fault_yet() -> None:
    known = hear_incident(Occurrence(incident_id=IncidentId(an_id(1))), an_incident(1, 1))
    assert fault_of(known) is None
