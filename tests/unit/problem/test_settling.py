"""A problem's life: what follows from what is known, in whichever order it became known."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from mejora_events.contracts.fixes import FixRegressed, FixState, FixVerified
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.contracts.problems import (
    CauseClass,
    OpenedBecause,
    ProblemOpened,
    ProblemRecurred,
    ProblemState,
    RootCause,
)
from mejora_events.contracts.workarounds import WorkaroundState
from mejora_events.ids import IncidentId
from mejora_problem.model.opening import ByHand
from support.problem_world import Step, World
from support.problems import (
    a_change,
    a_diagnosis,
    a_fix,
    a_workaround,
    an_id,
    an_incident,
    day,
)

CAUSE = RootCause(
    statement="the connection pool is too small",
    cause_class=CauseClass.CAPACITY,
    established_at=day(6),
    established_by="key:operator",
)


def diagnosed(number: int, at: float, priority: int = 3) -> Step:
    return lambda world: world.diagnose(a_diagnosis(number, at, priority=priority), day(at))


def reported(incident: Incident) -> Step:
    return lambda world: world.report(incident)


def with_incidents(*days: float) -> World:
    world = World(now=day(max(days)))
    for number, at in enumerate(days, 1):
        diagnosed(number, at)(world)
    return world


def test_a_problem_opens_with_its_first_incidents_and_each_later_one_is_a_recurrence() -> None:
    world = with_incidents(0, 4, 9)
    assert world.types() == ["problem.opened", "problem.recurred"]
    opened, recurred = world.said
    assert isinstance(opened, ProblemOpened)
    assert opened.incident_ids == (an_id(1), an_id(2))
    assert (opened.problem.version, opened.problem.incidents) == (1, 2)
    assert isinstance(recurred, ProblemRecurred)
    assert recurred.incident_id == an_id(3)
    assert (recurred.problem.version, recurred.problem.incidents) == (2, 3)
    assert (recurred.problem.first_incident_at, recurred.problem.last_incident_at) == (
        day(0),
        day(9),
    )


def test_an_older_incident_that_is_heard_of_late_makes_the_problem_older() -> None:
    world = World()
    for step in (diagnosed(3, 9, priority=1), diagnosed(2, 4), diagnosed(1, 0)):
        step(world)
    assert world.problem
    assert world.problem.opened_at == day(4)
    assert world.problem.opened_because is OpenedBecause.SECOND_INCIDENT
    assert world.types() == ["problem.opened", "problem.recurred", "problem.recurred"]


def test_a_known_cause_with_a_workaround_that_worked_is_a_known_error() -> None:
    world = with_incidents(0, 4)
    failed = WorkaroundState.FAILED
    steps: list[Step] = [
        lambda world: world.find_cause(CAUSE),
        lambda world: world.work_around(a_workaround(1, 5, state=failed)),
        lambda world: world.work_around(a_workaround(2, 5)),
        lambda world: world.work_around(a_workaround(2, 5, version=2, state=failed)),
    ]
    states = []
    for step in steps:
        step(world)
        assert world.problem
        states.append(world.problem.state.value)
    assert states == ["cause_known", "cause_known", "known_error", "cause_known"]
    assert world.types()[1:] == ["problem.root-cause-established"] * 3


def fixed_on_day_20() -> World:
    world = with_incidents(0, 5, 10, 15)
    world.plan(a_fix())
    world.now = day(20)
    world.change(a_change(1, 20))
    return world


def test_the_change_that_carries_a_fix_deploys_it_and_the_end_of_the_window_resolves() -> None:
    world = fixed_on_day_20()
    assert world.types()[-2:] == ["fix.planned", "fix.deployed"]
    world.pass_time(day(40))
    assert world.types()[-1] == "fix.deployed"
    world.pass_time(day(60))
    assert world.types()[-2:] == ["fix.verified", "problem.resolved"]
    verified = world.said[-2]
    assert isinstance(verified, FixVerified)
    assert verified.incident_ids == tuple(an_id(number) for number in (1, 2, 3, 4))
    assert world.problem
    assert world.problem.resolved_at == verified.fix.verified_at
    said = len(world.said)
    world.pass_time(day(90))
    assert len(world.said) == said


def test_incidents_that_are_closed_already_are_not_settled_again() -> None:
    world = fixed_on_day_20()
    world.report(an_incident(2, 5, state=IncidentState.CLOSED))
    world.pass_time(day(60))
    verified = world.said[-2]
    assert isinstance(verified, FixVerified)
    assert verified.incident_ids == (an_id(1), an_id(3), an_id(4))


def test_a_recurrence_in_the_window_regresses_the_fix_and_leaves_the_problem_open() -> None:
    world = fixed_on_day_20()
    world.now = day(25)
    diagnosed(5, 25)(world)
    assert world.types()[-2:] == ["problem.recurred", "fix.regressed"]
    regressed = world.said[-1]
    assert isinstance(regressed, FixRegressed)
    assert regressed.incident_id == an_id(5)
    world.pass_time(day(90))
    assert world.problem
    assert world.problem.state is ProblemState.OPEN


def test_a_fault_that_comes_back_reopens_its_problem_even_if_the_fix_stays_verified() -> None:
    world = fixed_on_day_20()
    world.pass_time(day(60))
    world.now = day(300)
    diagnosed(5, 300)(world)
    assert world.types()[-2:] == ["problem.recurred", "problem.reopened"]
    _, (fix,) = world.state()
    assert fix.state is FixState.VERIFIED
    assert world.problem and world.problem.state is ProblemState.OPEN


def test_an_incident_of_the_window_that_is_heard_of_after_the_verdict_takes_it_back() -> None:
    world = fixed_on_day_20()
    world.pass_time(day(60))
    diagnosed(5, 25)(world)
    assert world.types()[-3:] == ["problem.recurred", "fix.regressed", "problem.reopened"]


def test_a_deployment_in_the_past_is_judged_at_once() -> None:
    world = with_incidents(0, 5, 10, 15)
    world.now = day(90)
    world.change(a_change(1, 20))
    world.plan(a_fix())
    assert world.types()[-4:] == [
        "fix.planned",
        "fix.deployed",
        "fix.verified",
        "problem.resolved",
    ]


def test_versions_count_up_by_one_with_every_event() -> None:
    world = fixed_on_day_20()
    world.pass_time(day(60))
    for kind in ("problem", "fix"):
        versions = [getattr(data, kind).version for data in world.said if hasattr(data, kind)]
        assert versions == list(range(1, len(versions) + 1))


def every_step() -> list[Step]:
    """Give a whole story as single steps."""
    steps: list[Step] = []
    for number, at in enumerate((0, 5, 10, 15, 32), 1):
        priority = 2 if number == 3 else 4
        host = "host-b" if number == 5 else "host-a"
        restored = an_incident(
            number, at, version=2, host=host, state=IncidentState.RESTORED, minutes=20 * number
        )
        steps += [
            diagnosed(number, at, priority),
            reported(an_incident(number, at, host=host)),
            reported(restored),
        ]
    return [
        *steps,
        lambda world: world.diagnose(a_diagnosis(4, 15, version=2, priority=1), day(15.5)),
        lambda world: world.work_around(a_workaround(1, 0)),
        lambda world: world.work_around(a_workaround(1, 0, version=2)),
        lambda world: world.find_cause(CAUSE),
        lambda world: world.plan(a_fix()),
        lambda world: world.change(a_change(1, 20, instances=("host-a",))),
        lambda world: world.change(a_change(2, 21, instances=("host-a", "host-c"))),
        lambda world: world.change(a_change(3, 19, version="2.4.0")),
        lambda world: world.open(
            ByHand(
                opened_at=day(3), opened_by="key:o", title="pool", component="database", priority=3
            )
        ),
    ]


STORY = every_step()


def told(steps: Sequence[Step]) -> World:
    world = World()
    for step in steps:
        step(world)
    return world


IN_ORDER = told(STORY)


@settings(max_examples=150, deadline=None)
@given(st.permutations(STORY), st.lists(st.sampled_from(STORY), max_size=4))
def test_every_interleaving_ends_in_the_same_state(order: list[Step], again: list[Step]) -> None:
    # A fix is planned once, by a command; everything else may come twice.
    repeated = [step for step in again if step is not STORY[-5]]
    assert told([*order, *repeated]).state() == IN_ORDER.state()


@settings(max_examples=50, deadline=None)
@given(st.permutations(STORY))
def test_every_incident_is_told_of_once_in_every_interleaving(order: list[Step]) -> None:
    ids: list[IncidentId] = []
    for data in told(order).said:
        if isinstance(data, ProblemOpened):
            ids += data.incident_ids
        elif isinstance(data, ProblemRecurred):
            ids.append(data.incident_id)
    assert sorted(ids) == [an_id(number) for number in range(1, 6)]


def test_the_story_ends_with_a_verified_fix() -> None:
    problem, (fix,) = IN_ORDER.state()
    assert problem
    assert fix.state is FixState.VERIFIED
    assert problem.state is ProblemState.RESOLVED
    assert problem.opened_because is OpenedBecause.BY_HAND
