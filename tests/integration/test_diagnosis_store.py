"""The diagnosis service's store against a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_diagnosis.app import SERVICE
from mejora_diagnosis.reactions.promises import note_overdue
from mejora_diagnosis.store import catalogue, changes, diagnoses, workarounds
from mejora_events.clock import SetClock
from mejora_events.contracts.base import Channel, EventData, Severity
from mejora_events.contracts.catalogue import (
    CatalogueEntityChanged,
    Component,
    ComponentKind,
)
from mejora_events.contracts.changes import ChangeKind, ChangeRecorded
from mejora_events.contracts.diagnoses import (
    DiagnosisEstablished,
    DiagnosisRevised,
    ScopeKind,
)
from mejora_events.contracts.fixes import FixVerified
from mejora_events.contracts.incidents import Incident, IncidentChanged, Place
from mejora_events.contracts.problems import ProblemOpened, ProblemRootCauseEstablished
from mejora_events.contracts.workarounds import (
    Workaround,
    WorkaroundOverdue,
    WorkaroundRetired,
    WorkaroundState,
)
from mejora_events.envelope import Event
from mejora_events.ids import ChangeId, IncidentId, WorkaroundId
from mejora_events.sql import rows, run
from mejora_events.store import Store
from mejora_service.migrate import upgrade
from support.diagnosed import (
    a_fix,
    a_problem,
    an_incident,
    at,
    diagnosis_of,
    emitted,
    put_catalogue,
    reported,
    restored,
    tell,
    the_shop,
    told,
)

DataT = TypeVar("DataT", bound=EventData)


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """A store with the service's tables in it, and the shop in its catalogue."""
    engine = create_async_engine(database)
    await upgrade(engine, SERVICE.migrations)
    made = Store(engine, SERVICE.name, SetClock(at(0)))
    await put_catalogue(made, the_shop())
    yield made
    await engine.dispose()


def a_workaround(number: int, incident: Incident, signature_id: str, due: float) -> Workaround:
    """A workaround that was applied when its incident began."""
    return Workaround(
        workaround_id=WorkaroundId(UUID(int=number)),
        incident_id=incident.incident_id,
        version=1,
        state=WorkaroundState.APPLIED,
        signature_id=signature_id,
        component=incident.component,
        description="use the replica",
        owner="platform",
        applied_at=incident.started_at,
        applied_by="key:ops",
        due_at=at(due),
    )


class TestEstablishing:
    async def test_an_incident_is_diagnosed_with_all_that_is_known(self, store: Store) -> None:
        incident = an_incident(1, "checkout", severity=Severity.CRITICAL)
        await tell(store, reported(incident))

        found = await diagnosis_of(store, 1)
        assert found.component == "checkout"
        assert found.affected.customers == ("acme",)
        assert found.priority == 1
        assert found.recommendation.channel is Channel.ALTERNATE
        assert found.established_at == incident.reported_at
        (said,) = await emitted(store, DiagnosisEstablished)
        assert said.diagnosis == found

    async def test_an_incident_is_diagnosed_once_however_often_it_is_reported(
        self, store: Store
    ) -> None:
        incident = an_incident(1, "db")
        await tell(store, reported(incident), reported(incident))
        await tell(store, reported(incident))
        assert len(await emitted(store, DiagnosisEstablished)) == 1

    async def test_it_is_diagnosed_even_if_it_is_known_to_be_restored(self, store: Store) -> None:
        over = an_incident(1, "db", version=2, restored=5)
        await tell(store, restored(over))
        await tell(store, reported(an_incident(1, "db")))
        assert (await diagnosis_of(store, 1)).component == "db"
        await tell(store, reported(an_incident(2, "db", 60)))
        assert (await diagnosis_of(store, 2)).recommendation.restore_median_seconds == 300

    async def test_an_unknown_component_joins_the_catalogue_once(self, store: Store) -> None:
        await tell(store, reported(an_incident(1, "x")), reported(an_incident(2, "x", 1)))
        await tell(store, reported(an_incident(3, "x", 2)))
        (joined,) = await emitted(store, CatalogueEntityChanged)
        assert joined.entity == Component(name="x", component_kind=ComponentKind.UNLISTED)
        assert "who_owns" in {it.key for it in (await diagnosis_of(store, 3)).open_questions}

    async def test_former_incidents_of_the_fault_are_counted(self, store: Store) -> None:
        text = "Connection to 10.0.0.{} refused"
        batch = [an_incident(n, f"web-{n}", n, summary=text.format(n)) for n in range(1, 6)]
        await tell(store, *(reported(it) for it in batch[:3]))
        await tell(store, *(reported(it) for it in batch[3:]))
        found = [await diagnosis_of(store, n) for n in range(1, 6)]
        assert [it.seen_before for it in found] == [0, 1, 2, 3, 4]
        assert len({it.signature.signature_id for it in found}) == 1

    async def test_how_long_restoring_took_is_asked_of_the_past_only(self, store: Store) -> None:
        past = [an_incident(n, "db", n * 60, restored=n, version=2) for n in range(1, 6)]
        await tell(store, *(restored(it) for it in past))
        by_another_way = an_incident(9, "db", 5, restored=50, channel=Channel.ALTERNATE, version=2)
        await tell(store, restored(by_another_way))
        await tell(store, reported(an_incident(20, "db", 60 * 3 + 30)))
        early = (await diagnosis_of(store, 20)).recommendation
        assert (early.cases, early.restore_median_seconds) == (3, 120)
        await tell(store, reported(an_incident(21, "db", 60 * 9)))
        late = (await diagnosis_of(store, 21)).recommendation
        assert (late.cases, late.restore_median_seconds, late.restore_p90_seconds) == (5, 180, 276)

    async def test_a_known_error_is_recognised_with_its_workarounds_success(
        self, store: Store
    ) -> None:
        first = an_incident(1, "db")
        await tell(store, reported(first))
        signature_id = (await diagnosis_of(store, 1)).signature.signature_id
        worked = a_workaround(1, first, signature_id, 100)
        failed = a_workaround(2, first, signature_id, 100)
        async with store.begin(actor="test") as work:
            await workarounds.add(work.conn, worked)
            await workarounds.add(
                work.conn, failed.model_copy(update={"state": WorkaroundState.FAILED})
            )
        await tell(
            store,
            told(ProblemRootCauseEstablished(problem=a_problem(signature_id, cause="too few"))),
        )
        await tell(store, reported(an_incident(2, "db", 60)))
        known = (await diagnosis_of(store, 2)).known_error
        assert known is not None
        assert (known.workaround, known.tried, known.worked) == ("use the replica", 2, 1)
        assert known.workaround_id == failed.workaround_id

    async def test_changes_just_before_are_offered_as_evidence(self, store: Store) -> None:
        async with store.begin(actor="test") as work:
            for number, (component, minutes) in enumerate(
                [("db", -60), ("db", -60 * 48), ("wiki", -5), ("db", 5)]
            ):
                change = ChangeRecorded(
                    change_id=ChangeId(UUID(int=number)),
                    component=component,
                    kind=ChangeKind.DEPLOYMENT,
                    version=f"v{number}",
                    changed_at=at(minutes),
                    changed_by="pipeline",
                )
                await changes.add(work.conn, change)
        await tell(store, reported(an_incident(1, "checkout")))
        offered = [
            it.answer for it in (await diagnosis_of(store, 1)).evidence if "changed" in it.question
        ]
        assert offered == ["db v0 (deployment)"]

    async def test_where_no_known_error_is_what_reads_like_it_is_offered(
        self, store: Store
    ) -> None:
        former = [
            a_problem("of-db", title="Connection pool of the database is exhausted", number=1),
            a_problem("of-wiki", title="The wiki shows old pages", cause="a cache", number=2),
        ]
        await tell(store, *(told(ProblemOpened(problem=it)) for it in former))
        text = "Connections refused: pool exhausted"
        await tell(store, reported(an_incident(1, "checkout", summary=text)))
        (near,) = (await diagnosis_of(store, 1)).similar
        assert near.problem_id == former[0].problem_id
        assert 0.3 < near.similarity < 1
        evidence = {it.question: it.answer for it in (await diagnosis_of(store, 1)).evidence}
        assert "pool of the database" in evidence["What was like it before?"]

    async def test_a_problem_is_found_by_the_words_it_has_now(self, store: Store) -> None:
        await tell(store, told(ProblemOpened(problem=a_problem("x", title="Disk quota exceeded"))))
        renamed = a_problem("x", title="Certificate has expired", version=2)
        await tell(store, told(ProblemOpened(problem=renamed)))
        for number, text in enumerate(("Disk quota exceeded", "Expired certificates"), 1):
            await tell(store, reported(an_incident(number, "wiki", summary=text)))
        assert (await diagnosis_of(store, 1)).similar == ()
        assert len((await diagnosis_of(store, 2)).similar) == 1

    async def test_with_a_known_error_nothing_else_is_offered(self, store: Store) -> None:
        await tell(store, reported(an_incident(1, "db")))
        signature_id = (await diagnosis_of(store, 1)).signature.signature_id
        known = a_problem(signature_id, cause="too few", number=1)
        other = a_problem("other", number=2)
        await tell(store, *(told(ProblemOpened(problem=it)) for it in (known, other)))
        await tell(store, reported(an_incident(2, "db", 60)))
        found = await diagnosis_of(store, 2)
        assert found.known_error is not None
        assert found.similar == ()


class TestRevising:
    async def test_a_late_incident_moves_the_failure_point(self, store: Store) -> None:
        await tell(store, reported(an_incident(1, "checkout")))
        await tell(store, reported(an_incident(2, "db", 3)))
        found = await diagnosis_of(store, 1)
        assert found.failure_point.component == "db"
        assert found.failure_point.cascade == (UUID(int=2),)
        (said,) = await emitted(store, DiagnosisRevised)
        assert (said.diagnosis, said.diagnosis.version) == (found, 2)
        assert "failure_point" in said.revised

    async def test_a_late_incident_moves_the_likeliest_of_all_that_it_is_connected_with(
        self, store: Store
    ) -> None:
        await tell(store, reported(an_incident(1, "checkout")))
        await tell(store, reported(an_incident(2, "cart", 1)))
        assert (await diagnosis_of(store, 2)).failure_point.component == "cart"
        await tell(store, reported(an_incident(3, "db")))
        places = {}
        for number in (1, 2, 3):
            point = (await diagnosis_of(store, number)).failure_point
            places[number] = point.component, point.pulled_down, point.cascade_id
            assert point.candidates[0].component == "db"
            assert sum(it.probability for it in point.candidates) <= 1
        assert places == {
            1: ("db", True, UUID(int=1)),
            2: ("db", True, UUID(int=1)),
            3: ("db", False, UUID(int=1)),
        }

    async def test_what_is_far_in_time_or_not_connected_is_no_cascade(self, store: Store) -> None:
        await tell(store, reported(an_incident(1, "checkout")))
        await tell(store, reported(an_incident(2, "db", 11)), reported(an_incident(3, "wiki")))
        assert (await diagnosis_of(store, 1)).failure_point.component == "checkout"
        assert await emitted(store, DiagnosisRevised) == []

    async def test_more_instances_make_it_generalised(self, store: Store) -> None:
        for number in (1, 2):
            incident = an_incident(number, "db", number, labels={"instance": f"db-{number}"})
            await tell(store, reported(incident))
        for number in (1, 2):
            found = await diagnosis_of(store, number)
            assert (found.scope.kind, found.scope.affected) == (ScopeKind.GENERALISED, 2)

    async def test_sites_and_users_count_in_whichever_order_they_come(self, store: Store) -> None:
        entities = [Component(name="till", sites=3), Component(name="app", users=1_000)]
        await put_catalogue(store, entities)
        told_of = [
            ("till", {"site": "north"}),
            ("till", {"site": "south"}),
            ("app", {"userCount": "30"}),
            ("app", {"userCount": "700"}),
            ("app", {"userCount": "40"}),
        ]
        for number, (component, labels) in enumerate(told_of, 1):
            await tell(store, reported(an_incident(number, component, labels=labels)))
        scopes = {number: (await diagnosis_of(store, number)).scope for number in range(1, 6)}
        assert {(it.kind, it.affected, it.could_be_affected) for it in scopes.values()} == {
            (ScopeKind.GENERALISED, 2, 3),
            (ScopeKind.GENERALISED, 700, 1_000),
        }

    @pytest.mark.parametrize("told_first", [0, 1])
    async def test_where_else_it_is_counts_in_whichever_order_it_is_told(
        self, store: Store, told_first: int
    ) -> None:
        incident = an_incident(1, "db", labels={"instance": "db-1"})
        wider = incident.model_copy(
            update={"version": 2, "elsewhere": (Place(instance="db-2"), Place(instance="db-3"))}
        )
        changed = IncidentChanged(incident=wider, changed=("elsewhere",), changed_at=at(1))
        for said in (reported(incident), told(changed))[:: -1 if told_first else 1]:
            await tell(store, said)
        found = (await diagnosis_of(store, 1)).scope
        assert (found.kind, found.affected) == (ScopeKind.GENERALISED, 3)

    async def test_what_goes_on_failing_revises_nothing(self, store: Store) -> None:
        for minute in range(30):
            name = ("db", "checkout")[minute % 2]
            await tell(store, reported(an_incident(minute + 1, name, minute)))
        (revised,) = await emitted(store, DiagnosisRevised)  # the first heard of the second
        assert revised.diagnosis.incident_id == UUID(int=1)

    async def test_a_worse_severity_grades_it_again_in_either_order(self, store: Store) -> None:
        before, after = (
            an_incident(1, "db", severity=Severity.WARNING),
            an_incident(1, "db", severity=Severity.CRITICAL, version=2),
        )
        changed = IncidentChanged(incident=after, changed=("severity",), changed_at=at(1))
        await tell(store, reported(before), told(changed))
        graded = await diagnosis_of(store, 1)
        assert graded.severity is Severity.CRITICAL

        before, after = (
            it.model_copy(update={"incident_id": IncidentId(UUID(int=2))}) for it in (before, after)
        )
        changed = IncidentChanged(incident=after, changed=("severity",), changed_at=at(1))
        await tell(store, told(changed))
        await tell(store, reported(before))
        assert (await diagnosis_of(store, 2)).priority == graded.priority


class TestWorkarounds:
    async def test_a_verified_fix_retires_those_applied_before(self, store: Store) -> None:
        incident, later = an_incident(1, "db"), an_incident(2, "db", 60)
        await tell(store, reported(incident), reported(later))
        signature_id = (await diagnosis_of(store, 1)).signature.signature_id
        async with store.begin(actor="test") as work:
            await workarounds.add(work.conn, a_workaround(1, incident, signature_id, 100))
            await workarounds.add(work.conn, a_workaround(2, later, signature_id, 100))
        verified = FixVerified(fix=a_fix(signature_id, verified=30))
        await tell(store, told(verified))
        await tell(store, told(verified))

        (said,) = await emitted(store, WorkaroundRetired)
        assert said.workaround.workaround_id == UUID(int=1)
        assert said.workaround.retired_at == at(30)
        async with store.read() as conn:
            kept = await workarounds.find(conn, UUID(int=2))
        assert kept is not None
        assert kept.state is WorkaroundState.APPLIED

    async def test_what_should_be_gone_is_told_once(self, store: Store) -> None:
        incident = an_incident(1, "db")
        async with store.begin(actor="test") as work:
            await workarounds.add(work.conn, a_workaround(1, incident, "s", 10))
            await workarounds.add(work.conn, a_workaround(2, incident, "s", 90))
        assert isinstance(store.clock, SetClock)
        store.clock.at = at(60)
        for _ in range(2):
            async with store.begin(actor="mejora") as work:
                await note_overdue(work)
        (said,) = await emitted(store, WorkaroundOverdue)
        assert said.workaround.overdue_since == at(10)
        assert said.workaround.version == 2


class TestCatalogue:
    async def test_a_replaced_catalogue_keeps_count_of_versions(self, store: Store) -> None:
        async with store.read() as conn:
            before = (await catalogue.in_force(conn)).version
        await put_catalogue(store, [Component(name="db", owner="others")])
        async with store.read() as conn:
            known = await catalogue.in_force(conn)
            kept = await catalogue.kept(conn)
        assert known.version == before + 1
        assert set(known.catalogue.components) == {"db"}
        assert kept["component", "db"].version == 2
        assert kept["component", "checkout"].removed

    async def test_who_owns_an_unlisted_component_can_be_said_once(self, store: Store) -> None:
        await tell(store, reported(an_incident(1, "x")))
        async with store.begin(actor="test") as work:
            await catalogue.take_turn(work)
            owned = await catalogue.give_owner(work, "x", "platform")
            assert owned is not None
            assert owned[1] == 2
            assert await catalogue.give_owner(work, "x", "others") is None
            assert await catalogue.give_owner(work, "db", "others") is None
        await tell(store, reported(an_incident(2, "x", 1)))
        assert (await diagnosis_of(store, 2)).owner == "platform"


class TestManyAtOnce:
    async def test_the_number_of_queries_does_not_depend_on_how_many_incidents(
        self, store: Store
    ) -> None:
        statements: list[str] = []

        def note(*args: object) -> None:
            statements.append(str(args[2]))

        engine = store.engine.sync_engine
        sqlalchemy_event.listen(engine, "before_cursor_execute", note)
        shop = ("checkout", "cart", "payment", "db", "x", "y")
        counts = []
        for first, size in ((1, 2), (1_000, 500)):
            statements.clear()
            batch = [
                an_incident(n, shop[n % 6], n % 7, summary=f"error {n % 50}")
                for n in range(first, first + size)
            ]
            await tell(store, *(reported(it) for it in batch))
            counts.append(len(statements))
        sqlalchemy_event.remove(engine, "before_cursor_execute", note)
        assert counts[1] <= counts[0] + 4  # what is revised is held and kept too

    async def test_two_instances_diagnose_each_incident_once_and_see_each_other(
        self, store: Store
    ) -> None:
        other = Store(create_async_engine(store.engine.url), SERVICE.name, store.clock)
        shop = ("checkout", "cart", "payment", "db")
        incidents = [an_incident(n, shop[n % 4], n / 100) for n in range(1, 201)]

        async def work_off(where: Store, mine: Sequence[Incident]) -> None:
            for start in range(0, len(mine), 10):
                batch = mine[start : start + 10]
                worse = [
                    it.model_copy(update={"version": 2, "severity": Severity.CRITICAL})
                    for it in batch
                ]
                await tell(where, *(reported(it) for it in batch))
                # In the other order too, as keys of different ages share a batch.
                await tell(
                    where,
                    *(
                        told(IncidentChanged(incident=it, changed=("severity",), changed_at=at(3)))
                        for it in worse
                    ),
                    *(reported(it) for it in batch),
                )

        # Every incident comes to both, as after a rebalance that was not fenced.
        await asyncio.gather(work_off(store, incidents), work_off(other, incidents[::-1]))
        await other.engine.dispose()

        assert len(await emitted(store, DiagnosisEstablished)) == len(incidents)
        found = [await diagnosis_of(store, n) for n in range(1, 201)]
        assert {it.failure_point.component for it in found} == {"db"}
        assert {it.severity for it in found} == {Severity.CRITICAL}
        assert len({it.signature.signature_id for it in found}) == 4
        by_fault: dict[str, set[int]] = {}
        for it in found:
            by_fault.setdefault(it.signature.signature_id, set()).add(it.seen_before)
        assert all(seen == set(range(50)) for seen in by_fault.values())


def _lives() -> st.SearchStrategy[list[Event[EventData]]]:
    """Some incidents of the shop, each reported, perhaps worse, perhaps restored."""
    return st.lists(
        st.tuples(
            st.sampled_from(["checkout", "cart", "payment", "db", "x"]),
            st.integers(0, 25),
            st.booleans(),
            st.booleans(),
        ),
        min_size=2,
        max_size=6,
    ).map(lambda lives: [it for n, life in enumerate(lives, 1) for it in _life(n, *life)])


def _life(
    number: int, component: str, minutes: int, gets_worse: bool, ends: bool
) -> list[Event[EventData]]:
    labels = {"instance": f"{component}-{number % 3}"}
    first = an_incident(number, component, minutes, severity=Severity.WARNING, labels=labels)
    events: list[Event[EventData]] = [reported(first)]
    if gets_worse:
        worse = first.model_copy(update={"severity": Severity.CRITICAL, "version": 2})
        changed = IncidentChanged(
            incident=worse, changed=("severity",), changed_at=first.started_at
        )
        events.append(told(changed))
        first = worse
    if ends:
        over = first.model_copy(
            update={
                "version": 3,
                "restored_at": first.started_at + timedelta(minutes=1),
                "channel": Channel.RESTORE,
            }
        )
        events.append(restored(over))
    return events


_EMPTY = "truncate incident, signature, failing, failing_slot, habit, diagnosis, outbox"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lives=_lives(), chance=st.randoms(use_true_random=False), size=st.integers(1, 4))
async def test_every_interleaving_ends_in_the_same_state(
    store: Store, lives: list[Event[EventData]], chance: Random, size: int
) -> None:
    """Whatever the order and the batches, the same is said of each incident in the end."""
    shuffled = list(lives)
    chance.shuffle(shuffled)
    assert await _ends_in(store, lives, len(lives)) == await _ends_in(store, shuffled, size)


async def _ends_in(store: Store, events: Sequence[Event[EventData]], size: int) -> object:
    async with store.begin(actor="test") as work:
        await run(work.conn, _EMPTY)
    for start in range(0, len(events), size):
        await tell(store, *events[start : start + size])
    async with store.read() as conn:
        found = await diagnoses.listed(
            conn, after=None, limit=100, incident_id=None, signature_id=None
        )
        durations = await rows(
            conn, "select incident_id, restore_seconds from incident order by incident_id"
        )
    said = {
        it.incident_id: (
            it.component,
            it.signature.signature_id,
            it.failure_point.component,
            it.failure_point.cascade_id,
            it.failure_point.candidates[0].component,
            it.scope.kind,
            it.severity,
            it.priority,
            it.owner,
        )
        for it in found
    }
    return said, [tuple(it.values()) for it in durations]
