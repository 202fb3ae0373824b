"""Messages are stored by days, and go by days; what they counted for stays."""

from datetime import timedelta

from mejora_events.sql import row, rows, run
from mejora_intake.store import days
from support.servers import Postgres
from support.whole import Whole, a_whole

SIGNAL = {"source": "probe", "id": "first", "component": "till", "summary": "does not open"}

# As if all there is had been stored so many days ago, in a table of that day.
AGE = (
    "update delivery set stored_at = stored_at - make_interval(days => :days)",
    "update incident set stored_at = stored_at - make_interval(days => :days)",
    "create table aged as select * from signal where :days > 0",
    "delete from signal where :days > 0",
    "update aged set stored_at = stored_at - make_interval(days => :days)",
)


async def age(whole: Whole, by_days: int) -> None:
    async with whole.runtimes["intake"].store.begin(actor="test") as work:
        found = await row(work.conn, "select min(stored_at) as at from signal")
        assert found is not None
        first = (found["at"] - timedelta(days=by_days)).date()
        for statement in AGE:
            await run(work.conn, statement.replace(":days", str(by_days)))
        await run(
            work.conn,
            f"create table signal_{first:%Y%m%d} partition of signal"
            f" for values from ('{first} 00:00+00') to ('{first + timedelta(days=1)} 00:00+00')",
        )
        await run(work.conn, "insert into signal select * from aged")
        await run(work.conn, "drop table aged")


async def test_each_message_is_stored_in_the_table_of_its_day(postgres: Postgres) -> None:
    async with a_whole(postgres, "intake") as whole:
        await whole.post("/intake/v1/signals", SIGNAL)
        async with whole.runtimes["intake"].store.read() as conn:
            assert not await rows(conn, "select 1 from signal_of_no_day")
            found = await rows(conn, "select tableoid::regclass::text as t, stored_at from signal")
            assert [r["t"] for r in found] == [f"signal_{found[0]['stored_at']:%Y%m%d}"]


async def test_what_is_older_than_is_kept_goes_and_the_counts_stay(postgres: Postgres) -> None:
    async with a_whole(postgres, "intake") as whole:
        (first,) = (await whole.post("/intake/v1/signals", SIGNAL))["signals"]
        await whole.post("/intake/v1/signals", SIGNAL | {"id": "second"})
        await age(whole, 40)
        await whole.post("/intake/v1/signals", SIGNAL | {"id": "third"})
        store = whole.runtimes["intake"].store
        for kept_days, left in ((50, 3), (30, 1)):
            async with store.begin(actor="test") as work:
                await days.drop_days(work, kept_days)
            async with store.read() as conn:
                for table in ("signal", "delivery"):
                    found = await row(conn, f"select count(*) as n from {table}")
                    assert found is not None
                    assert found["n"] == left, (table, kept_days)
        incident = await whole.get(f"/intake/v1/incidents/{first['incident_id']}")
        assert incident["occurrences"] == 3


async def test_days_are_made_ahead_once(postgres: Postgres) -> None:
    async with a_whole(postgres, "intake") as whole:
        store = whole.runtimes["intake"].store
        for _ in range(2):
            async with store.begin(actor="test") as work:
                await days.make_days(work)
        async with store.read() as conn:
            found = await row(
                conn,
                "select count(*) as n from pg_inherits where inhparent = 'signal'::regclass",
            )
            assert found is not None
            assert found["n"] == 14 + 1
