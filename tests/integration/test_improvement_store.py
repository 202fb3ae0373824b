"""The improvement service's store against a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from statistics import quantiles
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine

from mejora_events.clock import SetClock
from mejora_events.contracts.base import Channel, EventData, Origin
from mejora_events.contracts.catalogue import CatalogueEntityRemoved, Component
from mejora_events.contracts.diagnoses import (
    DiagnosisEstablished,
    DiagnosisRevised,
    Grading,
    Mark,
)
from mejora_events.contracts.fixes import (
    FixDeployed,
    FixPlanned,
    FixRegressed,
    FixState,
    FixVerified,
)
from mejora_events.contracts.improvements import ImprovementState
from mejora_events.contracts.incidents import (
    IncidentAcknowledged,
    IncidentReopened,
    IncidentReported,
    IncidentRestored,
)
from mejora_events.contracts.problems import (
    ProblemOpened,
    ProblemResolved,
    ProblemRootCauseEstablished,
    ProblemState,
)
from mejora_events.contracts.workarounds import WorkaroundApplied, WorkaroundRetired
from mejora_events.envelope import Event
from mejora_events.sql import rows, run
from mejora_events.store import Store
from mejora_improvement.app import SERVICE
from mejora_improvement.model.comparison import Counted, Lasted, Measurable, Shared
from mejora_improvement.model.costs import Charge, CostPart
from mejora_improvement.model.indicators import IndicatorSet, indicators
from mejora_improvement.model.period import Period, Slice
from mejora_improvement.reactions import propose_from_data
from mejora_improvement.store import feed, register
from mejora_improvement.store import indicators as counting
from mejora_improvement.store.feed import Wanted
from mejora_improvement.store.samples import sample
from mejora_service.migrate import upgrade
from support.measured import (
    a_component,
    a_contract,
    a_diagnosis,
    a_fix,
    a_problem,
    a_workaround,
    an_incident,
    day,
    euros,
    failed,
    in_catalogue,
    minute,
    settled,
    tell,
    told,
)

JANUARY = Period(day(0), day(31))


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """A store with the service's tables in it."""
    engine = create_async_engine(database)
    await upgrade(engine, SERVICE.migrations)
    yield Store(engine, SERVICE.name, SetClock(day(31)))
    await engine.dispose()


async def of_january(store: Store, part: Slice | None = None) -> IndicatorSet:
    """Give January's indicators."""
    part = part or Slice()
    async with store.read() as conn:
        return indicators(JANUARY, part, await counting.count(conn, JANUARY, part)).indicators


async def read_all(store: Store, wanted: Wanted | None = None, limit: int = 100) -> list[str]:
    """Read the feed page by page, as a poller does, and give the bodies."""
    await settled(store)
    bodies: list[str] = []
    position = None
    async with store.read() as conn:
        while True:
            stretch = await feed.read(conn, wanted or Wanted(), position, limit)
            bodies += [entry.body for entry in stretch.entries]
            position = stretch.behind
            if len(stretch.entries) < limit:
                return bodies


class TestFeed:
    async def test_an_event_is_kept_once_however_often_it_comes(self, store: Store) -> None:
        event = told(IncidentReported(incident=an_incident(1, day(1))))

        await tell(store, event)
        await tell(store, event, event)

        assert len(await read_all(store)) == 1

    async def test_pages_follow_each_other_without_gap_or_repetition(self, store: Store) -> None:
        said = [told(IncidentReported(incident=an_incident(n, day(1)))) for n in range(25)]
        await tell(store, *said[:12])
        await tell(store, *said[12:])

        bodies = await read_all(store, limit=7)

        assert [body.split('"id":"')[1][:36] for body in bodies] == [str(e.id) for e in said]

    async def test_a_late_commit_is_never_missed(self, store: Store) -> None:
        first, second = (told(IncidentReported(incident=an_incident(n, day(1)))) for n in (1, 2))
        async with store.read() as reader:
            async with store.begin(actor="one instance") as slow:
                await feed.keep(slow.conn, [first])
                async with store.begin(actor="another") as quick:
                    await feed.keep(quick.conn, [second])
                before = await feed.read(reader, Wanted(), None, 10)
                await reader.rollback()
            await settled(store)
            behind = await feed.read(reader, Wanted(), before.behind, 10)

        assert before.entries == []
        assert [str(first.id) in behind.entries[0].body, str(second.id) in behind.entries[1].body]
        assert len(behind.entries) == 2

    async def test_types_and_subjects_narrow_the_feed(self, store: Store) -> None:
        one, two = an_incident(1, day(1)), an_incident(2, day(1))
        await tell(
            store,
            IncidentReported(incident=one),
            IncidentReported(incident=two),
            IncidentAcknowledged(incident=one),
        )

        of_one = await read_all(store, Wanted(subject=str(one.incident_id)))
        acknowledged = await read_all(store, Wanted(types=(IncidentAcknowledged.TYPE,)))
        both = Wanted(types=(IncidentAcknowledged.TYPE,), subject=str(two.incident_id))

        assert (len(of_one), len(acknowledged), await read_all(store, both)) == (2, 1, [])

    async def test_who_waits_for_something_rare_does_not_read_everything_again(
        self, store: Store
    ) -> None:
        await tell(store, *(IncidentReported(incident=an_incident(n, day(1))) for n in range(9)))
        rare = Wanted(types=(ProblemOpened.TYPE,))
        await settled(store)
        async with store.read() as conn:
            nothing = await feed.read(conn, rare, None, 10)
        await tell(store, ProblemOpened(problem=a_problem(1, day(2))))
        await settled(store)
        async with store.read() as conn:
            skipped = await feed.read(conn, Wanted(), nothing.behind, 10)
            came = await feed.read(conn, rare, nothing.behind, 10)

        assert len(skipped.entries) == len(came.entries) == 1


def _history() -> list[Event[Any]]:
    """Give what happens to a few things, each kind with several versions."""
    first, second = an_incident(1, day(1), restored=None), an_incident(2, day(2))
    diagnosis = a_diagnosis(first)
    opened, planned = a_problem(1, day(2)), a_fix(1, a_problem(1, day(2)), day(3))
    workaround = a_workaround(1, first, day(1))
    gateway = Component(name="gateway", handling_rate_per_hour=euros(80))
    said: list[EventData] = [
        IncidentReported(incident=first),
        IncidentRestored(incident=an_incident(1, day(1), version=2), by="m"),
        IncidentReopened(
            incident=an_incident(1, day(1), restored=None, version=3),
            reopened_at=day(1),
            reason="it flapped",
        ),
        IncidentRestored(incident=an_incident(1, day(1), restored=99.0, version=4), by="m"),
        IncidentReported(incident=second),
        DiagnosisEstablished(diagnosis=diagnosis),
        DiagnosisRevised(
            diagnosis=a_diagnosis(first, completed=9.0, known_error=True, version=2),
            revised=("known_error",),
            revised_at=day(1),
        ),
        WorkaroundApplied(workaround=workaround),
        WorkaroundRetired(workaround=a_workaround(1, first, day(1), retired=day(9), version=2)),
        ProblemOpened(problem=opened),
        ProblemRootCauseEstablished(problem=a_problem(1, day(2), version=2)),
        FixPlanned(fix=planned),
        FixDeployed(fix=a_fix(1, opened, day(3), deployed=day(4), version=2)),
        in_catalogue(gateway, 1),
        CatalogueEntityRemoved(kind="component", name="gateway", version=2, removed_at=day(5)),
        in_catalogue(gateway, 3),
        a_contract("acme", ("orders",)),
    ]
    return [told(data, UUID(int=number)) for number, data in enumerate(said)]


HISTORY = _history()
MEASURED = (
    "measured_incident",
    "measured_diagnosis",
    "measured_workaround",
    "measured_problem",
    "measured_fix",
    "component_rate",
    "contract",
)


async def everything_measured(store: Store) -> dict[str, list[str]]:
    """Give every row of every table of measurements, as text, and the ids that the feed holds."""
    async with store.read() as conn:
        held = {
            table: [
                r["line"]
                for r in await rows(
                    conn, f"select cast(t as text) as line from {table} t order by 1"
                )
            ]
            for table in MEASURED
        }
        ids = await rows(conn, "select cast(event_id as text) as id from feed order by 1")
    return {**held, "feed": [r["id"] for r in ids]}


async def forget(store: Store) -> None:
    """Empty all tables."""
    async with store.begin(actor="test") as work:
        await run(work.conn, f"truncate feed, {', '.join(MEASURED)}")


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.permutations(HISTORY), st.lists(st.sampled_from(HISTORY), max_size=6), st.data())
async def test_every_interleaving_ends_in_the_same_measurements(
    store: Store, shuffled: list[Event[Any]], again: list[Event[Any]], data: st.DataObject
) -> None:
    await forget(store)
    await tell(store, *HISTORY)
    expected = await everything_measured(store)
    await forget(store)
    delivered = [*shuffled, *again]
    cut = data.draw(st.integers(0, len(delivered)))

    await tell(store, *delivered[:cut])
    await tell(store, *delivered[cut:])

    assert await everything_measured(store) == expected


class TestIndicators:
    async def test_quantiles_are_those_of_type_seven(self, store: Store) -> None:
        minutes = [3.0, 10.0, 11.0, 40.0, 41.0, 90.0, 300.0]
        for n, took in enumerate(minutes):
            await failed(store, an_incident(n, day(n), restored=took, reported=took / 10))

        shown = (await of_january(store)).time_to_restore

        deciles = quantiles(minutes, n=10, method="inclusive")
        assert shown.count == 7
        assert shown.median_seconds == pytest.approx(deciles[4] * 60)
        assert shown.p90_seconds == pytest.approx(deciles[8] * 60)

    async def test_only_what_ended_in_the_period_counts(self, store: Store) -> None:
        await failed(store, an_incident(1, day(-1)))
        await failed(store, an_incident(2, day(5)))
        await failed(store, an_incident(3, day(6), restored=None))
        await failed(store, an_incident(4, JANUARY.end - timedelta(minutes=30)))

        async with store.read() as conn:
            facts = await counting.count(conn, JANUARY, Slice())

        assert (facts.incidents, facts.incidents_open) == (1, 2)

    async def test_durations_have_their_own_ends(self, store: Store) -> None:
        incident = an_incident(1, day(1), reported=2, acknowledged=5, restored=60)
        await failed(store, incident, completed=22)
        await failed(store, an_incident(2, day(2), reported=4, restored=10))
        await failed(store, an_incident(3, day(3), reported=-1, restored=-5))

        shown = await of_january(store)

        detect, acknowledge = shown.time_to_detect, shown.time_to_acknowledge
        assert (detect.count, detect.median_seconds, detect.invalid) == (2, 180.0, 1)
        assert (acknowledge.count, acknowledge.median_seconds) == (1, 180.0)
        assert acknowledge.unfinished == 2
        assert shown.time_to_diagnose.median_seconds == 1200.0
        assert (shown.time_to_restore.count, shown.time_to_restore.invalid) == (2, 1)

    async def test_shares_over_incidents(self, store: Store) -> None:
        await failed(store, an_incident(1, day(-100)), signature="a")
        await failed(store, an_incident(2, day(1), origin=Origin.CUSTOMER), signature="a")
        known = an_incident(3, day(2), channel=Channel.ALTERNATE)
        await failed(store, known, signature="a", known_error=True)
        await failed(store, an_incident(4, day(3), restored=60), signature="b")
        await tell(store, IncidentReported(incident=an_incident(5, day(4))))
        await tell(
            store,
            WorkaroundApplied(workaround=a_workaround(1, known, day(2), failed=day(3))),
            WorkaroundApplied(workaround=a_workaround(2, known, day(3))),
        )

        shown = await of_january(store)

        assert shown.internal_detection_share.value == 3 / 4
        assert shown.alternate_channel_share.value == 1 / 4
        recurred = shown.recurrence_share
        assert (recurred.numerator, recurred.denominator, recurred.unknown) == (1, 3, 1)
        assert shown.known_error_share.value == pytest.approx(1 / 3)
        assert shown.known_error_share.workaround.value == 1 / 2

    async def test_a_late_first_diagnosis_still_tells_what_was_known_when_reported(
        self, store: Store
    ) -> None:
        incident = an_incident(1, day(1))
        later = a_diagnosis(incident, known_error=True, failure_point="pool", version=2)
        await tell(store, IncidentReported(incident=incident))
        await tell(store, DiagnosisRevised(diagnosis=later, revised=("owner",), revised_at=day(1)))
        assert (await of_january(store)).known_error_share.reason

        await tell(store, DiagnosisEstablished(diagnosis=a_diagnosis(incident)))

        assert (await of_january(store)).known_error_share.value == 0.0

    async def test_problems_and_fixes(self, store: Store) -> None:
        fixed, failing, new = (a_problem(n, day(n), signature=f"s{n}") for n in (1, 2, 3))
        await tell(store, *(ProblemOpened(problem=problem) for problem in (fixed, failing, new)))
        verified = a_fix(1, fixed, day(2), state=FixState.VERIFIED, deployed=day(4), judged=day(20))
        regressed = a_fix(
            2, failing, day(3), state=FixState.REGRESSED, deployed=day(5), judged=day(9)
        )
        await tell(store, FixVerified(fix=verified), FixRegressed(fix=regressed))

        shown = await of_january(store)

        assert shown.time_to_permanent_fix.median_seconds == 3 * 86400
        assert shown.fixed_for_good_share.value == pytest.approx(1 / 3)
        assert shown.fix_success_share.value == 1 / 2

    async def test_patch_debt_counts_what_came_back_since_the_first_workaround(
        self, store: Store
    ) -> None:
        price = euros(10)
        first = await failed(store, an_incident(1, day(1), restored=60), cost_per_minute=price)
        await tell(store, WorkaroundApplied(workaround=a_workaround(1, first, minute(1500))))
        for n in (2, 3):
            again = an_incident(n, day(n * 5), restored=60)
            await failed(store, again, cost_per_minute=price)
        problem = a_problem(1, day(5))
        fix = a_fix(1, problem, day(6), due=day(8), cost=euros(1000))
        await tell(store, ProblemOpened(problem=problem), FixPlanned(fix=fix))

        shown = await of_january(store)

        debt = shown.patch_debt
        assert (debt.open_workarounds, debt.recurrences, debt.past_break_even) == (1, 2, 1)
        assert debt.interest == (euros("1200.00"),)
        assert debt.oldest_applied_at == minute(1500)
        assert (shown.overdue.count, shown.overdue.fixes.overdue) == (1, 1)

    async def test_interest_is_priced_by_the_catalogue_where_the_diagnosis_had_no_price(
        self, store: Store
    ) -> None:
        first = await failed(store, an_incident(1, day(1)))
        await tell(store, WorkaroundApplied(workaround=a_workaround(1, first, day(2))))
        await failed(store, an_incident(2, day(3), restored=10))
        assert (await of_january(store)).patch_debt.interest_unknown == 1

        checkout = Component(name="checkout", cost_per_minute=euros(7))
        await tell(store, in_catalogue(checkout))

        debt = (await of_january(store)).patch_debt
        assert (debt.interest, debt.interest_unknown) == ((euros("70.00"),), 0)

    async def test_promises_past_their_date(self, store: Store) -> None:
        incident = an_incident(1, day(1))
        late = a_workaround(1, incident, day(1), due=day(3))
        gone = a_workaround(2, incident, day(1), due=day(3), retired=day(4))
        problem = a_problem(1, day(1), actions_due=[day(2), day(99)])
        await tell(store, WorkaroundApplied(workaround=late), WorkaroundRetired(workaround=gone))
        await tell(store, ProblemOpened(problem=problem))

        shown = (await of_january(store)).overdue

        assert (shown.actions.open, shown.actions.overdue) == (2, 1)
        assert (shown.workarounds.open, shown.workarounds.overdue) == (1, 1)

    async def test_availability_counts_overlapping_outages_once(self, store: Store) -> None:
        await tell(
            store, a_contract("acme", ("orders", "payments")), a_contract("globex", ("orders",))
        )
        orders: dict[str, Any] = {"processes": ("orders",)}
        await failed(store, an_incident(1, day(1), restored=60), **orders)
        await failed(store, an_incident(2, minute(1440 + 30), restored=60), **orders)
        await failed(store, an_incident(3, day(2), restored=30), processes=("payments",))
        await failed(store, an_incident(4, day(-1), restored=2910), processes=("payments",))
        await failed(store, an_incident(5, minute(44640 - 10), restored=None), **orders)

        shown = (await of_january(store)).availability.items

        lost = {(i.customer, i.contract, i.process): i.lost_seconds / 60 for i in shown}
        assert lost == {
            ("acme", None, None): 1440 + 90 + 30 + 10,
            ("acme", "acme-gold", None): 1440 + 90 + 30 + 10,
            ("acme", "acme-gold", "orders"): 90 + 10,
            ("acme", "acme-gold", "payments"): 1440 + 30 + 30,
            ("globex", None, None): 100,
            ("globex", "globex-gold", None): 100,
            ("globex", "globex-gold", "orders"): 100,
        }

    async def test_costs_have_three_parts_and_two_sides(self, store: Store) -> None:
        await tell(
            store,
            a_component("checkout", euros(60)),
            a_contract("acme", ("orders",), penalty=euros(2)),
        )
        known: dict[str, Any] = {"cost_per_minute": euros(5), "contracts": ("acme-gold",)}
        await failed(store, an_incident(1, day(1), acknowledged=10, restored=40), **known)
        customer = an_incident(2, day(2), origin=Origin.CUSTOMER, restored=10)
        await failed(store, customer, **known)
        await failed(store, an_incident(3, day(3), restored=10))

        shown = (await of_january(store)).cost_of_failure

        assert shown.internal.lost_service == (euros("200.00"),)
        assert shown.internal.handling == (euros("30.00"),)
        assert shown.internal.penalties == (euros("80.00"),)
        assert shown.external.total == (euros("70.00"),)
        assert (shown.internal.incidents, shown.internal.unpriced) == (2, 1)

    async def test_handling_is_priced_by_the_rate_given_where_a_component_has_none(
        self, store: Store
    ) -> None:
        await failed(store, an_incident(1, day(1), acknowledged=10, restored=40))

        async with store.read() as conn:
            facts = await counting.count(conn, JANUARY, Slice(), euros(50))

        assert facts.charges == [Charge(Origin.INTERNAL, CostPart.HANDLING, euros(25))]

    async def test_a_cascade_is_paid_for_once(self, store: Store) -> None:
        price = euros(5)
        root = an_incident(1, day(1), component="database", restored=10)
        pulled = an_incident(2, day(1), component="checkout", restored=10)
        await failed(store, root, cost_per_minute=price)
        await failed(
            store, pulled, cost_per_minute=price, failure_point="database", pulled_down_with=(root,)
        )

        shown = (await of_january(store)).cost_of_failure.internal

        assert (shown.total, shown.unpriced) == ((euros("50.00"),), 0)

    async def test_what_proved_right_is_counted_as_it_was_graded(self, store: Store) -> None:
        graded = Grading(failure_point=Mark.RIGHT, signature=Mark.RIGHT, graded_at=day(9))
        await failed(store, an_incident(1, day(1)), grading=graded)
        wrong = graded.model_copy(update={"failure_point": Mark.WRONG})
        await failed(store, an_incident(2, day(2)), grading=wrong)
        await failed(store, an_incident(3, day(3)))

        shown = (await of_january(store)).diagnosis_accuracy

        place = shown.failure_point
        assert (place.numerator, place.denominator, place.unknown) == (1, 2, 1)
        assert (shown.signature.value, shown.signature.denominator) == (1.0, 2)
        assert shown.scope.value is None
        assert shown.scope.reason and "really reached" in shown.scope.reason

    async def test_a_slice_counts_its_own_incidents_only(self, store: Store) -> None:
        mine = an_incident(1, day(1), component="checkout")
        await failed(store, mine, processes=("orders",), customers=("acme",), signature="a")
        await failed(store, an_incident(2, day(2), component="mail"), signature="b")
        await tell(
            store,
            WorkaroundApplied(workaround=a_workaround(1, mine, day(1), signature="a")),
            ProblemOpened(problem=a_problem(1, day(1), signature="a")),
            ProblemOpened(problem=a_problem(2, day(1), signature="b")),
        )

        for part in (
            Slice(component="checkout"),
            Slice(process="orders"),
            Slice(customer="acme"),
            Slice(signature_id="a"),
        ):
            shown = await of_january(store, part)
            assert shown.time_to_restore.count == 1
            assert shown.patch_debt.open_workarounds == 1
        assert (
            await of_january(store, Slice(customer="acme"))
        ).fixed_for_good_share.denominator == 1
        assert (await of_january(store, Slice(customer="nobody"))).time_to_restore.count == 0


class TestRegister:
    async def test_the_costliest_recurring_problem_is_proposed_once(self, store: Store) -> None:
        for n in (1, 2, 3):
            incident = an_incident(n, day(n), restored=30)
            await failed(store, incident, cost_per_minute=euros(100))
        await failed(store, an_incident(9, day(9)), signature="once")
        await tell(
            store,
            ProblemOpened(problem=a_problem(1, day(2))),
            ProblemOpened(problem=a_problem(2, day(9), signature="once")),
        )

        for _ in range(2):
            async with store.begin(actor="mejora") as work:
                await propose_from_data(work)

        async with store.read() as conn:
            [proposed] = await register.listed(conn, None, None, 10)
            sent = await rows(conn, "select topic, key from outbox")
        assert proposed.state is ImprovementState.PROPOSED
        assert proposed.problem_id == UUID(int=1)
        assert proposed.baseline and proposed.baseline.count == 3
        assert proposed.expected_saving_per_month
        assert proposed.expected_saving_per_month.amount == Decimal("3043.75")
        assert [(r["topic"], r["key"]) for r in sent] == [
            ("mejora.improvements", str(proposed.improvement_id))
        ]

    async def test_resolved_problems_are_not_proposed(self, store: Store) -> None:
        for n in (1, 2):
            await failed(store, an_incident(n, day(n)))
        resolved = a_problem(1, day(2), state=ProblemState.RESOLVED)
        await tell(store, ProblemResolved(problem=resolved))

        async with store.begin(actor="mejora") as work:
            await propose_from_data(work)

        async with store.read() as conn:
            assert await register.listed(conn, None, None, 10) == []

    async def test_a_figure_is_measured_as_the_indicators_measure_it(self, store: Store) -> None:
        for n, took in enumerate((10.0, 20.0, 60.0)):
            incident = an_incident(n, day(n), restored=took, acknowledged=2)
            await failed(store, incident, completed=5)
        async with store.read() as conn:
            samples = {i: await sample(conn, i, JANUARY, Slice()) for i in Measurable}
        shown = await of_january(store)

        assert samples[Measurable.INCIDENTS_PER_MONTH] == Counted(3, JANUARY.seconds)
        for indicator, measured in samples.items():
            if isinstance(measured, Lasted):
                assert measured.value == getattr(shown, indicator).median_seconds
            elif isinstance(measured, Shared):
                assert measured.value == getattr(shown, indicator).value
