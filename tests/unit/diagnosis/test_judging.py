"""Scope, priority and channel: each a decision with its reason."""

from itertools import chain
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_diagnosis.model.channel import (
    PATIENCE_SECONDS,
    Restorations,
    TriedWorkaround,
    best_workaround,
    recommend_channel,
    restore_seconds,
)
from mejora_diagnosis.model.priority import (
    DEFAULT_MATRIX,
    BadMatrix,
    PriorityMatrix,
    check_matrix,
    prioritise,
)
from mejora_diagnosis.model.scope import HowMany, judge_scope
from mejora_events.contracts.base import Channel, Severity
from mejora_events.contracts.diagnoses import Affected, ScopeKind, ScopeUnit
from mejora_events.ids import WorkaroundId
from support.diagnosed import an_incident

NOBODY = Affected()
ACME = Affected(processes=("ordering",), customers=("acme",), contracts=("gold",))
NOTHING = Restorations()

few = st.integers(0, 20)
counted = st.builds(HowMany, few, few, few)
listed = st.builds(HowMany, *[st.none() | st.integers(0, 20)] * 3)


def restorations(cases: int, median: float) -> Restorations:
    return Restorations(cases, median, median * 2)


def tried(description: str, tried_times: int, worked: int) -> TriedWorkaround:
    return TriedWorkaround(description, WorkaroundId(UUID(int=1)), tried_times, worked)


class TestScope:
    @pytest.mark.parametrize(
        ("affected", "instances", "kind", "numbers"),
        [
            (1, 4, ScopeKind.BOUNDED, (1, 4)),
            (2, 4, ScopeKind.GENERALISED, (2, 4)),
            (0, 4, ScopeKind.UNKNOWN, (0, 4)),
            (3, None, ScopeKind.UNKNOWN, (3, 0)),
            (0, 1, ScopeKind.GENERALISED, (1, 1)),
            (6, 4, ScopeKind.GENERALISED, (6, 6)),
        ],
    )
    def test_affected_of_what_could_be(
        self, affected: int, instances: int | None, kind: ScopeKind, numbers: tuple[int, int]
    ) -> None:
        scope, because = judge_scope(HowMany(affected, 0, 0), HowMany(instances), 0.5)
        assert (scope.kind, (scope.affected, scope.could_be_affected)) == (kind, numbers)
        assert scope.unit is ScopeUnit.INSTANCES
        assert because

    @pytest.mark.parametrize(
        ("affected", "could_be", "told"),
        [
            # Of instances and users the larger share decides: each is known as far as it was told.
            (HowMany(1, 0, 900), HowMany(10, 3, 1000), "generalised 900 of 1000 users"),
            (HowMany(8, 0, 3), HowMany(10, 3, 1000), "generalised 8 of 10 instances"),
            (HowMany(1, 0, 3), HowMany(1, None, 1000), "bounded 3 of 1000 users"),
            # A site counts as a whole from its first failing instance on: it decides last.
            (HowMany(1, 1, 0), HowMany(4, 2, None), "bounded 1 of 4 instances"),
            (HowMany(0, 1, 0), HowMany(4, 3, None), "bounded 1 of 3 sites"),
            (HowMany(0, 2, 0), HowMany(None, 3, None), "generalised 2 of 3 sites"),
            (HowMany(1, 1, 0), HowMany(1, 3, None), "bounded 1 of 3 sites"),
            # Of a single site with several instances it is not known how many of these are hit.
            (HowMany(0, 1, 0), HowMany(4, 1, None), "unknown 0 of 4 instances"),
            (HowMany(0, 0, 0), HowMany(None, 1, None), "generalised 1 of 1 sites"),
            (HowMany(0, 0, 0), HowMany(None, None, 50), "unknown 0 of 50 users"),
            # Who lists instances only means by it what its monitors name.
            (HowMany(0, 2, 0), HowMany(5, None, None), "bounded 2 of 5 instances"),
        ],
    )
    def test_it_is_counted_in_what_tells_most(
        self, affected: HowMany, could_be: HowMany, told: str
    ) -> None:
        scope, _ = judge_scope(affected, could_be, 0.5)
        said = f"{scope.kind} {scope.affected} of {scope.could_be_affected} {scope.unit}"
        assert said == told

    def test_the_other_counts_are_told_too(self) -> None:
        scope, because = judge_scope(HowMany(2, 1, 1_200), HowMany(3, 2, 30_000), 0.5)
        assert because == (
            "2 of 3 instances are affected; from 50% on it counts as generalised; counted"
            " otherwise, 1 of 2 sites and 1,200 of 30,000 users"
        )
        assert [it.affected for it in scope.counts] == [2, 1, 1_200]

    @given(counted, listed, st.floats(0.01, 1))
    def test_no_more_is_affected_than_could_be(
        self, affected: HowMany, could_be: HowMany, share: float
    ) -> None:
        scope, _ = judge_scope(affected, could_be, share)
        if scope.kind is not ScopeKind.UNKNOWN:
            assert 0 < scope.affected <= scope.could_be_affected
            generalised = scope.affected / scope.could_be_affected >= share
            assert generalised == (scope.kind is ScopeKind.GENERALISED)

    @given(counted, listed, st.integers(0, 3), st.floats(0.01, 1))
    def test_that_more_instances_fail_never_makes_it_bounded(
        self, affected: HowMany, could_be: HowMany, more: int, share: float
    ) -> None:
        before, _ = judge_scope(affected, could_be, share)
        instances = (affected.instances or 0) + more
        after, _ = judge_scope(affected._replace(instances=instances), could_be, share)
        in_one_unit = before.unit is after.unit is ScopeUnit.INSTANCES
        if in_one_unit and before.kind is ScopeKind.GENERALISED:
            assert after.kind is ScopeKind.GENERALISED


class TestPriority:
    def test_the_matrix_never_ranks_the_worse_lower(self) -> None:
        check_matrix(DEFAULT_MATRIX.grades)

    @pytest.mark.parametrize("lines", [(21_111,), (11_111, 11_111, 33_333, 22_222)])
    def test_a_matrix_that_ranks_the_worse_lower_is_refused(self, lines: tuple[int, ...]) -> None:
        whole = (*lines, *[55_555] * (5 - len(lines)))
        matrix = tuple(tuple(int(grade) for grade in str(line)) for line in whole)
        with pytest.raises(BadMatrix, match=r"At (impact|urgency) 1, "):
            check_matrix(matrix)

    def test_another_matrix_is_named_in_the_reason(self) -> None:
        strict = PriorityMatrix(((1,) * 5,) * 5, 3)
        found = prioritise(5, NOBODY, Severity.INFO, ScopeKind.BOUNDED, strict)
        assert found.priority == 1
        assert "by version 3 of the matrix" in found.because

    @given(st.integers(1, 5), st.sampled_from(list(Severity)), st.sampled_from(list(ScopeKind)))
    def test_that_customers_are_hit_never_ranks_lower(
        self, criticality: int, severity: Severity, scope: ScopeKind
    ) -> None:
        hit = prioritise(criticality, ACME, severity, scope)
        assert hit.priority <= prioritise(criticality, NOBODY, severity, scope).priority

    @given(st.integers(1, 5), st.sampled_from(list(Severity)))
    def test_the_more_is_hit_the_higher(self, criticality: int, severity: Severity) -> None:
        priorities = [
            prioritise(criticality, NOBODY, severity, kind).priority
            for kind in (ScopeKind.GENERALISED, ScopeKind.UNKNOWN, ScopeKind.BOUNDED)
        ]
        assert priorities == sorted(priorities)

    def test_the_most_critical_is_first_and_says_why(self) -> None:
        found = prioritise(1, ACME, Severity.CRITICAL, ScopeKind.GENERALISED)
        assert found.priority == 1
        assert "criticality 1, and what customers were promised is hit" in found.because

    def test_a_critical_alarm_of_something_unlisted_is_priority_two(self) -> None:
        assert prioritise(3, NOBODY, Severity.CRITICAL, ScopeKind.UNKNOWN).priority == 2


class TestChannel:
    def test_without_another_way_it_is_restored(self) -> None:
        found = recommend_channel(1, (), (), restorations(9, 9e9), NOTHING)
        assert found.channel is Channel.RESTORE
        assert "no other way of serving the customer is known" in found.reasons

    def test_the_critical_does_not_wait_when_nothing_is_known(self) -> None:
        for criticality, channel in (
            (1, Channel.ALTERNATE),
            (2, Channel.ALTERNATE),
            (3, "restore"),
        ):
            found = recommend_channel(criticality, ("telephone",), (), NOTHING, NOTHING)
            assert found.channel == channel
            assert found.alternate == "telephone"

    @given(st.integers(1, 5), st.floats(0, 1e6))
    def test_restoring_is_right_as_long_as_it_is_quick_enough(
        self, criticality: int, median: float
    ) -> None:
        found = recommend_channel(criticality, ("telephone",), (), restorations(5, median), NOTHING)
        quick = median <= PATIENCE_SECONDS[criticality]
        assert found.channel is (Channel.RESTORE if quick else Channel.ALTERNATE)
        assert found.cases == 5

    def test_the_fault_is_asked_before_the_component(self) -> None:
        of_fault, of_component = restorations(3, 10), restorations(100, 20)
        found = recommend_channel(3, (), (), of_fault, of_component)
        assert (found.restore_median_seconds, found.restore_p90_seconds) == (10, 20)
        found = recommend_channel(3, (), (), restorations(2, 10), of_component)
        assert (found.restore_median_seconds, found.cases) == (20, 100)

    def test_a_workaround_that_worked_comes_before_what_the_catalogue_names(self) -> None:
        found = recommend_channel(1, ("telephone",), (tried("standby", 3, 2),), NOTHING, NOTHING)
        assert found.alternate == "standby"
        assert "“standby” carried the service in 2 of 3 cases" in found.reasons

    def test_one_that_never_worked_is_not_recommended(self) -> None:
        assert best_workaround((tried("restart", 4, 0),)) is None
        best = best_workaround((tried("once", 1, 1), tried("often", 10, 9), tried("never", 5, 0)))
        assert best is not None
        assert best.description == "often"

    def test_what_restoring_took_is_lost_service_the_normal_way(self) -> None:
        assert restore_seconds(an_incident(1, "db")) is None
        assert restore_seconds(an_incident(1, "db", restored=5)) == 300
        other_way = an_incident(1, "db", restored=5, channel=Channel.ALTERNATE)
        assert restore_seconds(other_way) is None
        flapped = an_incident(1, "db", restored=60).model_copy(update={"lost_seconds": 90.0})
        assert restore_seconds(flapped) == 90
        before_it_began = an_incident(1, "db", restored=-5)
        assert restore_seconds(before_it_began) == 0


def test_every_priority_is_given_for_some_pair_of_grades() -> None:
    assert set(chain(*DEFAULT_MATRIX.grades)) == {1, 2, 3, 4, 5}
