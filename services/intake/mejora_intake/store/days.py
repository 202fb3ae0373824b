"""The days by which messages are stored, and for how long they are kept."""

from datetime import UTC, date, datetime, time, timedelta

from mejora_events.sql import row, rows, run
from mejora_events.store import Work

_ALONE = "select pg_advisory_xact_lock(hashtextextended('mejora-signal-days', 0))"

_TODAY = "select cast(now() at time zone 'utc' as date) as today"

_DAYS = """
select cast(substring(c.relname from 8) as date) as day
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = cast('signal' as regclass) and c.relname ~ '^signal_[0-9]{8}$'
"""

# A day has no table of its own when messages of it came before there was one.
_HOMELESS = """
select 1 from signal_of_no_day
where stored_at >= cast(:first as timestamptz) and stored_at < cast(:after as timestamptz) limit 1
"""

_GONE = "insert into signal_retention (gone_before) values (cast(:gone_before as timestamptz))"

# Forgets which messages were counted, some at a time: they are no longer kept.
_FORGET = """
delete from delivery where delivery_id in
    (select delivery_id from delivery
     where stored_at < (select max(gone_before) from signal_retention) limit 50000)
"""

_AHEAD_DAYS = 14
"""How many days have their table before they begin: how long this may fail and nobody notice."""


async def make_days(work: Work) -> None:
    """See to it that each of the next days has a table for its messages."""
    await row(work.conn, _ALONE)
    there = {r["day"] for r in await rows(work.conn, _DAYS)}
    today = await _today(work)
    for day in (today + timedelta(days=ahead) for ahead in range(_AHEAD_DAYS)):
        if day in there:
            continue
        first, after = _midnight(day), _midnight(day + timedelta(days=1))
        if await rows(work.conn, _HOMELESS, first=first, after=after):
            continue
        await run(
            work.conn,
            f"create table {_table_of(day)} partition of signal"
            f" for values from ('{first}') to ('{after}')",
        )


async def drop_days(work: Work, kept_days: int) -> None:
    """Let the messages of days go that are older than they are kept."""
    first_kept = await _today(work) - timedelta(days=kept_days)
    gone = [r["day"] for r in await rows(work.conn, _DAYS) if r["day"] < first_kept]
    if gone:
        for day in gone:
            await run(work.conn, f"drop table {_table_of(day)}")
        await run(work.conn, _GONE, gone_before=_midnight(first_kept))
    await run(work.conn, _FORGET)


async def _today(work: Work) -> date:
    found = await row(work.conn, _TODAY)
    if found is None:
        raise RuntimeError("the store gives no date")
    today: date = found["today"]
    return today


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _table_of(day: date) -> str:
    return f"signal_{day:%Y%m%d}"
