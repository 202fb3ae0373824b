"""The problem service's store and reactions against a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_events.clock import SetClock
from mejora_events.contracts.base import EventData
from mejora_events.contracts.catalogue import (
    CatalogueEntityChanged,
    CatalogueEntityRemoved,
    Component,
    OwnerRole,
)
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import DiagnosisEstablished, DiagnosisRevised
from mejora_events.contracts.fixes import Fix, FixRegressed, FixState, FixVerified
from mejora_events.contracts.incidents import (
    IncidentClosed,
    IncidentReported,
    IncidentRestored,
    IncidentState,
)
from mejora_events.contracts.problems import (
    CauseClass,
    Problem,
    ProblemEscalated,
    ProblemOpened,
    ProblemRecurred,
    ProblemState,
    RootCause,
)
from mejora_events.contracts.workarounds import (
    WorkaroundApplied,
    WorkaroundOverdue,
    WorkaroundRetired,
    WorkaroundState,
)
from mejora_events.ids import FixId, IncidentId, ProblemId
from mejora_events.sql import rows, run
from mejora_events.store import Store
from mejora_problem.api import commands, reports
from mejora_problem.api.bodies import (
    ActionDone,
    ActionPlanned,
    FixDeployedByHand,
    FixPlan,
    RootCauseFound,
)
from mejora_problem.app import SERVICE
from mejora_problem.model.occurrences import summarise
from mejora_problem.reactions.sweep import sweep
from mejora_problem.store import cases, occurrences, views
from mejora_service.migrate import upgrade
from support.problem_world import World
from support.problems import (
    a_change,
    a_diagnosis,
    a_fix,
    a_workaround,
    an_id,
    an_incident,
    day,
    emitted,
    euros,
    tell,
)

FIX = FixPlan(
    description="a larger connection pool",
    carried_by="2.4.1",
    owner="payments team",
    estimated_cost=euros(1000),
    planned_at=day(5),
    due_at=day(25),
)
CAUSE = RootCauseFound(
    statement="the pool is too small",
    cause_class=CauseClass.CAPACITY,
    established_at=day(6),
)


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """A store with the service's tables in it; today is day 16."""
    engine = create_async_engine(database)
    await upgrade(engine, SERVICE.migrations)
    yield Store(engine, SERVICE.name, SetClock(day(16)))
    await engine.dispose()


def at(store: Store, number: float) -> None:
    """Let it be that day."""
    assert isinstance(store.clock, SetClock)
    store.clock.at = day(number)


def diagnosed(number: int, on: float, priority: int = 3, signature: str = "refused") -> EventData:
    diagnosis = a_diagnosis(number, on, priority=priority, signature=signature)
    return DiagnosisEstablished(diagnosis=diagnosis)


async def problems_in(store: Store) -> list[Problem]:
    async with store.read() as conn:
        return await views.list_problems(conn, after=None, limit=100)


async def the_problem(store: Store) -> Problem:
    (problem,) = await problems_in(store)
    return problem


async def the_fix(store: Store) -> Fix:
    async with store.read() as conn:
        ((fix,),) = (await views.fixes_of(conn, ["refused"])).values()
    return fix


async def planned(store: Store, plan: FixPlan = FIX) -> Fix:
    problem = await the_problem(store)
    async with store.begin(actor="key:o") as work:
        return await commands.plan_fix(work, problem.problem_id, plan)


async def swept(store: Store, on: float) -> None:
    at(store, on)
    async with store.begin(actor="mejora") as work:
        await sweep(work, timedelta(days=2))


async def test_a_problem_opens_and_recurs_as_the_rules_say(store: Store) -> None:
    await tell(store, diagnosed(1, 1))
    assert await problems_in(store) == []
    await tell(store, diagnosed(2, 4), diagnosed(3, 9), diagnosed(4, 10, signature="another"))
    problem = await the_problem(store)
    assert (problem.incidents, problem.version, problem.opened_at) == (3, 2, day(4))
    assert (problem.component, problem.owner) == ("database", "payments team")
    opened, recurred = await emitted(store)
    assert isinstance(opened, ProblemOpened)
    assert opened.incident_ids == (an_id(1), an_id(2))
    assert isinstance(recurred, ProblemRecurred)
    assert recurred.problem == problem


async def test_two_instances_at_once_open_one_problem(store: Store) -> None:
    numbers = range(1, 41)
    halves = [[diagnosed(n, n / 10) for n in numbers if n % 2 == odd] for odd in (0, 1)]
    await asyncio.gather(*(tell(store, data) for half in halves for data in half))
    problem = await the_problem(store)
    assert problem.incidents == len(numbers)
    told_of: list[IncidentId] = []
    versions = []
    for data in await emitted(store):
        assert isinstance(data, ProblemOpened | ProblemRecurred)
        versions.append(data.problem.version)
        told_of += data.incident_ids if isinstance(data, ProblemOpened) else [data.incident_id]
    assert sorted(told_of) == [an_id(number) for number in numbers]
    assert versions == sorted(versions) == list(range(1, len(versions) + 1))


async def test_batches_of_many_signatures_at_once_from_two_instances(store: Store) -> None:
    def batch(first: int, names: Iterable[int]) -> list[EventData]:
        listed = enumerate(names, first)
        return [diagnosed(number, 1, signature=f"fault-{name}") for number, name in listed]

    await asyncio.gather(
        tell(store, *batch(1, range(60))), tell(store, *batch(101, reversed(range(60))))
    )
    assert {problem.incidents for problem in await problems_in(store)} == {2}
    assert len(await problems_in(store)) == 60


async def test_the_indexes_sum_a_signature_up_as_the_rule_does(store: Store) -> None:
    priorities = [4, 3, 5, 2, 1, 3, 4]
    said = [diagnosed(n, (n * 5) % 7, priority) for n, priority in enumerate(priorities, 1)]
    revised = a_diagnosis(5, 25 % 7, version=2, priority=4)
    await tell(store, *said)
    await tell(store, DiagnosisRevised(diagnosis=revised, revised=("priority",), revised_at=day(8)))
    async with store.begin(actor="test") as work:
        await cases.lock_signatures(work.conn, ["refused"])
        (case,) = await cases.load_cases(work.conn, {"refused": None}, work.now)
        faults = await occurrences.faults_of(work.conn, ["refused"])
    assert case.summary == summarise(faults["refused"])
    assert case.summary.priority == 2


async def test_a_fix_goes_all_the_way_to_the_proof(store: Store) -> None:
    await tell(store, *(diagnosed(n, on) for n, on in enumerate((0, 5, 10, 15), 1)))
    fix = await planned(store)
    assert (fix.state, fix.version, fix.component) == (FixState.PLANNED, 1, "database")
    at(store, 21)
    await tell(store, a_change(1, 20))
    observed = await the_fix(store)
    assert observed.state is FixState.OBSERVED
    assert observed.observe_until == day(20) + timedelta(days=20) * (20 ** (1 / 3) - 1)
    await swept(store, 50)
    assert (await the_fix(store)).state is FixState.OBSERVED
    await swept(store, 60)
    before = await emitted(store)
    await swept(store, 61)
    assert await emitted(store) == before
    assert (await the_fix(store)).state is FixState.VERIFIED
    assert (await the_problem(store)).state is ProblemState.RESOLVED
    verified = before[-2]
    assert isinstance(verified, FixVerified)
    assert set(verified.incident_ids) == {an_id(number) for number in (1, 2, 3, 4)}


async def test_a_change_that_came_before_the_plan_deploys_the_fix(store: Store) -> None:
    await tell(store, diagnosed(1, 1), diagnosed(2, 2), a_change(1, 4), a_change(1, 4))
    assert (await planned(store)).deployed_at == day(4)


async def test_a_change_and_the_plan_of_its_fix_at_once_find_each_other(store: Store) -> None:
    await tell(store, diagnosed(1, 1), diagnosed(2, 2))
    for number in range(10):
        plan = FIX.model_copy(update={"carried_by": f"v{number}"})
        change = a_change(number, 4, version=f"v{number}")
        fix, _ = await asyncio.gather(planned(store, plan), tell(store, change))
        async with store.read() as conn:
            known = await views.fix_by_id(conn, fix.fix_id)
        assert known and known.deployed_at == day(4)


async def test_a_change_may_be_named_by_its_id(store: Store) -> None:
    await tell(store, diagnosed(1, 1), diagnosed(2, 2))
    change = a_change(1, 4, version="whatever")
    await planned(store, FIX.model_copy(update={"carried_by": str(change.change_id)}))
    await tell(store, change)
    assert (await the_fix(store)).deployed_at == day(4)


async def test_where_a_recurrence_was_may_be_heard_of_after_the_recurrence(store: Store) -> None:
    for number, on in enumerate((0, 5, 10, 15), 1):
        await tell(store, diagnosed(number, on), IncidentReported(incident=an_incident(number, on)))
    fix = await planned(store)
    at(store, 30)
    async with store.begin(actor="key:o") as work:
        where = FixDeployedByHand(deployed_at=day(20), deployed_to=("host-a",))
        await commands.deploy_fix(work, fix.fix_id, where)
    await tell(store, diagnosed(5, 25))
    assert (await the_fix(store)).state is FixState.OBSERVED
    await tell(store, IncidentReported(incident=an_incident(5, 25, host="host-a")))
    assert (await the_fix(store)).state is FixState.REGRESSED
    assert isinstance((await emitted(store))[-1], FixRegressed)


async def test_both_halves_of_a_recurrence_at_once_regress_the_fix(store: Store) -> None:
    for number, on in enumerate((0, 5, 10, 15), 1):
        await tell(store, diagnosed(number, on), IncidentReported(incident=an_incident(number, on)))
    fix = await planned(store)
    at(store, 30)
    async with store.begin(actor="key:o") as work:
        where = FixDeployedByHand(deployed_at=day(20), deployed_to=("host-a",))
        await commands.deploy_fix(work, fix.fix_id, where)
    await asyncio.gather(
        tell(store, diagnosed(5, 25)),
        tell(store, IncidentReported(incident=an_incident(5, 25, host="host-a"))),
    )
    assert (await the_fix(store)).state is FixState.REGRESSED


async def test_what_is_overdue_is_escalated_to_the_owner_then_the_superior(store: Store) -> None:
    role = OwnerRole(name="payments team", superior="head of payments")
    await tell(
        store,
        diagnosed(1, 1),
        diagnosed(2, 2),
        WorkaroundApplied(workaround=a_workaround(1, 3, due=20)),
        CatalogueEntityChanged(entity=role, version=1, changed_at=day(0)),
    )
    problem = await the_problem(store)
    await planned(store)
    async with store.begin(actor="key:o") as work:
        plan = ActionPlanned(description="train", owner="night shift", due_at=day(18))
        action = await commands.plan_action(work, problem.problem_id, plan)

    def asked(said: Sequence[EventData]) -> list[tuple[str, str]]:
        return [
            (one.escalated_to, one.reason.split(" ")[0])
            for one in said
            if isinstance(one, ProblemEscalated)
        ]

    await swept(store, 17)
    assert asked(await emitted(store)) == []
    for _ in range(2):
        await swept(store, 19)
        assert asked(await emitted(store)) == [("night shift", "action")]
    assert (await the_problem(store)).actions[0].state == "overdue"
    async with store.begin(actor="key:o") as work:
        done = ActionDone(done_at=day(19))
        await commands.finish_action(work, problem.problem_id, action.action_id, done)
    assert (await the_problem(store)).actions[0].state == "done"
    for on in (26, 26.5, 29, 40):
        await swept(store, on)
    assert asked(await emitted(store))[1:] == [
        ("payments team", "workaround"),
        ("payments team", "fix"),
        ("head of payments", "workaround"),
        ("head of payments", "fix"),
    ]
    async with store.read() as conn:
        whole = await reports.problem_whole(conn, problem.problem_id, None, day(40))
    assert whole
    assert len(whole.escalations) == 5


async def test_the_ledger_lists_what_lives_on_workarounds_the_costliest_first(
    store: Store,
) -> None:
    def failed(number: int, on: float, signature: str) -> list[EventData]:
        restored = an_incident(number, on, version=2, state=IncidentState.RESTORED, minutes=30)
        return [
            diagnosed(number, on, signature=signature),
            IncidentRestored(incident=restored, by="key:o"),
        ]

    price = Component(name="database", cost_per_minute=euros(10), handling_rate_per_hour=euros(60))
    await tell(
        store,
        CatalogueEntityChanged(entity=price, version=2, changed_at=day(0)),
        *failed(1, 1, "refused"),
        *failed(2, 5, "refused"),
        *failed(3, 6, "refused"),
        *failed(4, 1, "slow"),
        *failed(5, 4, "slow"),
        *failed(6, 1, "lonely"),
        WorkaroundApplied(workaround=a_workaround(1, 2)),
        WorkaroundApplied(workaround=a_workaround(4, 2, signature="slow")),
        WorkaroundApplied(workaround=a_workaround(6, 2, signature="lonely", due=10)),
        WorkaroundApplied(workaround=a_workaround(7, 2, signature="gone")),
        WorkaroundRetired(
            workaround=a_workaround(
                7, 2, version=2, state=WorkaroundState.RETIRED, signature="gone"
            )
        ),
    )
    async with store.read() as conn:
        ledger = await reports.debt_ledger(conn, None, day(16))
    assert [entry.signature_id for entry in ledger.items] == ["refused", "slow", "lonely"]
    assert [entry.interest.value for entry in ledger.items] == [
        euros("600"),
        euros("300"),
        euros(0),
    ]
    assert ledger.open_workarounds == 3
    assert ledger.interest == (euros("900.00"),)
    lonely = ledger.items[-1]
    assert lonely.problem_id is None
    assert lonely.workarounds[0].overdue
    await tell(
        store,
        CatalogueEntityRemoved(kind="component", name="database", version=3, removed_at=day(3)),
    )
    async with store.read() as conn:
        ledger = await reports.debt_ledger(conn, None, day(16))
    reasons = {entry.signature_id: entry.interest.reason for entry in ledger.items}
    assert reasons == {
        "lonely": None,
        "refused": "database has no cost per minute",
        "slow": "database has no cost per minute",
    }


async def test_older_and_repeated_snapshots_change_nothing(store: Store) -> None:
    newer = CatalogueEntityChanged(
        entity=OwnerRole(name="a", superior="b"), version=2, changed_at=day(0)
    )
    older = CatalogueEntityChanged(
        entity=OwnerRole(name="a", superior="c"), version=1, changed_at=day(0)
    )
    await tell(store, diagnosed(1, 1), diagnosed(2, 2))
    retired = a_workaround(1, 2, version=3, state=WorkaroundState.RETIRED)
    for data in (newer, older, WorkaroundRetired(workaround=retired)):
        await tell(store, data)
    before = await the_problem(store), await emitted(store)
    for again in (
        older,
        diagnosed(1, 1),
        WorkaroundOverdue(workaround=a_workaround(1, 2, version=2)),
        WorkaroundApplied(workaround=a_workaround(1, 2)),
    ):
        await tell(store, again)
    assert (await the_problem(store), await emitted(store)) == before
    async with store.read() as conn:
        (copy,) = await rows(conn, "select version from catalogue_entity")
        (workaround,) = await rows(conn, "select state from workaround")
    assert (copy["version"], workaround["state"]) == (2, "retired")


def story() -> list[EventData]:
    said: list[EventData] = []
    for number, on in enumerate((0, 5, 10, 15, 32), 1):
        host = "host-b" if number == 5 else "host-a"
        restored = an_incident(
            number, on, version=2, host=host, state=IncidentState.RESTORED, minutes=20 * number
        )
        closed = an_incident(
            number, on, version=3, host=host, state=IncidentState.CLOSED, minutes=20 * number
        )
        said += [
            diagnosed(number, on, priority=2 if number == 3 else 4),
            IncidentReported(incident=an_incident(number, on, host=host)),
            IncidentRestored(incident=restored, by="monitor"),
            IncidentClosed(incident=closed, by="key:o"),
        ]
    return [
        *said,
        DiagnosisRevised(
            diagnosis=a_diagnosis(4, 15, version=2, priority=1),
            revised=("priority",),
            revised_at=day(15.5),
        ),
        WorkaroundApplied(workaround=a_workaround(1, 0)),
        WorkaroundOverdue(workaround=a_workaround(1, 0, version=2)),
        a_change(1, 20, instances=("host-a",)),
        a_change(2, 21, instances=("host-a", "host-c")),
        a_change(3, 19, version="2.4.0"),
    ]


STORY = story()


def comparable(problem: Problem, fix: Fix) -> tuple[Problem, Fix]:
    """Leave out the ids that are drawn anew in each run, and the versions, which count steps."""
    problem_id, fix_id = ProblemId(an_id(50_000)), FixId(an_id(40_001))
    return (
        problem.model_copy(update={"problem_id": problem_id, "version": 0}),
        fix.model_copy(update={"problem_id": problem_id, "fix_id": fix_id, "version": 0}),
    )


def by_rules_alone() -> tuple[Problem, Fix]:
    """Tell what the rules make of the story, without any store."""
    world = World()
    cause = RootCause(**CAUSE.model_dump(), established_by="key:o")
    world.find_cause(cause)
    plan = FIX.model_dump(exclude={"component", "estimated_cost"})
    world.plan(a_fix(cost=FIX.estimated_cost).model_copy(update=plan))
    for data in STORY:
        match data:
            case DiagnosisEstablished(diagnosis=it):
                world.diagnose(it, it.reported_at)
            case DiagnosisRevised(diagnosis=it, revised_at=revised_at):
                world.diagnose(it, revised_at)
            case IncidentReported(incident=it) | IncidentRestored(incident=it):
                world.report(it)
            case IncidentClosed(incident=it):
                world.report(it)
            case WorkaroundApplied(workaround=it) | WorkaroundOverdue(workaround=it):
                world.work_around(it)
            case _:
                assert isinstance(data, ChangeRecorded)
                world.change(data)
    assert world.problem
    (fix,) = world.fixes.values()
    return comparable(world.problem, fix.fix)


_EMPTY = """
truncate occurrence, signature, problem, action, fix, said_deployment, change, workaround,
         catalogue_entity, escalation, outbox
"""


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(STORY), batch=st.integers(1, 12), planned_after=st.integers(0, 25))
async def test_every_interleaving_and_every_cut_into_batches_ends_in_the_same_state(
    store: Store, order: list[EventData], batch: int, planned_after: int
) -> None:
    at(store, 400)
    async with store.begin(actor="test") as work:
        await run(work.conn, _EMPTY)
    done = False
    for start in range(0, len(order), batch):
        await tell(store, *order[start : start + batch])
        if not done and start >= planned_after and await problems_in(store):
            done = True
            await find_cause_and_plan(store)
    if not done:
        await find_cause_and_plan(store)
    reached = comparable(await the_problem(store), await the_fix(store))
    assert reached == by_rules_alone()


async def find_cause_and_plan(store: Store) -> None:
    problem = await the_problem(store)
    async with store.begin(actor="key:o") as work:
        await commands.find_root_cause(work, problem.problem_id, CAUSE)
    await planned(store)
