"""Dead letters: records that failed, the keys that are parked behind them, and what to do then.

A parked key's later records wait in the store, so that nothing overtakes the one that failed. An
operator looks, then retries or drops; the waiting ones follow in their order.
"""

import base64
from collections.abc import Sequence
from uuid import UUID

import orjson
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Time
from mejora_events.contracts.dead_letters import DeadLetterRecorded
from mejora_events.ids import LetterId, new_id
from mejora_events.record import Delivered
from mejora_events.sql import Row, from_json, rows, run
from mejora_events.store import Work

# Which of these keys are parked; the lock makes a consumer and a retry wait for each other.
_PARKED = """
select p.topic, p.key from parked_key p
where p.consumer = :consumer
  and (p.topic, p.key) in (select * from unnest(cast(:topics as text[]), cast(:keys as text[])))
order by p.topic, p.key
for update of p
"""

_PARK = """
insert into parked_key (consumer, topic, key, parked_at) values (:consumer, :topic, :key, :now)
on conflict do nothing
"""

_UNPARK = "delete from parked_key where consumer = :consumer and topic = :topic and key = :key"

_LOCK_KEY = """
select 1 from parked_key where consumer = :consumer and topic = :topic and key = :key for update
"""

_KEEP = """
insert into dead_letter (letter_id, consumer, topic, partition, "offset", key, headers, value,
                         written_at, state, reason, attempts, failed_at)
values (:letter_id, :consumer, :topic, :partition, :offset, :key, cast(:headers as json), :value,
        :written_at, :state, :reason, :attempts, :failed_at)
on conflict (consumer, topic, partition, "offset", written_at) do nothing
"""

_LIST = """
select * from dead_letter
where state <> 'dropped' and (cast(:after as uuid) is null or letter_id < :after)
order by letter_id desc limit :limit
"""

_ONE = "select * from dead_letter where letter_id = :letter_id for update"

# What waits on a key, in the order of the log. Times are those of the clocks of several writers;
# they only tell apart two logs of one name, where a topic was made anew.
_ON_KEY = """
select * from dead_letter
where consumer = :consumer and topic = :topic and key = :key and state <> 'dropped'
order by "offset", written_at
"""

_DELETE = "delete from dead_letter where letter_id = :letter_id"
_DROP = "update dead_letter set state = 'dropped' where letter_id = :letter_id"
_FAIL_AGAIN = """
update dead_letter set state = 'dead', reason = :reason, attempts = attempts + 1, failed_at = :now
where letter_id = :letter_id
"""


class DeadLetter(BaseModel):
    """A record that failed or that waits behind one, as an operator sees it."""

    letter_id: UUID
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str
    headers: dict[str, str]
    value: str
    """The record's value as text; bytes that are no UTF-8 are replaced."""
    state: str
    reason: str
    attempts: int
    failed_at: Time


async def parked(
    conn: AsyncConnection, consumer: str, records: Sequence[Delivered]
) -> set[tuple[str, str]]:
    """Tell which (topic, key) of these records are parked, and hold them until the commit."""
    found = await rows(
        conn,
        _PARKED,
        consumer=consumer,
        topics=[record.topic for record in records],
        keys=[record.key for record in records],
    )
    return {(r["topic"], r["key"]) for r in found}


async def wait_behind(work: Work, consumer: str, record: Delivered) -> None:
    """Keep a record that waits behind a dead letter on its key."""
    await _keep(work, consumer, record, "waiting", "waits behind a dead letter on its key", 0)


async def park(work: Work, consumer: str, record: Delivered, reason: str, attempts: int) -> None:
    """Keep a record that failed, park its key and tell the world.

    A record that comes again although its letter was dropped stays dropped.
    """
    letter_id = await _keep(work, consumer, record, "dead", reason, attempts)
    if letter_id is not None:
        await run(
            work.conn, _PARK, consumer=consumer, topic=record.topic, key=record.key, now=work.now
        )
        work.emit(
            DeadLetterRecorded(
                letter_id=letter_id,
                consumer=consumer,
                reason=_kept(reason),
                attempts=attempts,
                failed_at=work.now,
                original_topic=record.topic,
                original_partition=record.partition,
                original_offset=record.offset,
                original_key=record.key,
                original_headers=dict(record.headers),
                original_value_base64=base64.b64encode(record.value).decode(),
            )
        )


async def _keep(
    work: Work, consumer: str, record: Delivered, state: str, reason: str, attempts: int
) -> LetterId | None:
    letter_id = LetterId(new_id())
    kept = await run(
        work.conn,
        _KEEP,
        letter_id=letter_id,
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        headers=orjson.dumps(dict(record.headers)).decode(),
        value=record.value,
        written_at=record.written_at,
        state=state,
        reason=_kept(reason),
        attempts=attempts,
        failed_at=work.now,
    )
    return letter_id if kept else None


def _kept(reason: str) -> str:
    """Give a reason as a store can keep it: not endless, and without zero bytes."""
    return reason[:2000].replace("\0", "\ufffd")


async def listed(
    conn: AsyncConnection, after: UUID | None = None, limit: int = 50
) -> list[DeadLetter]:
    """Give the letters that wait for an operator or behind one, newest first."""
    return [_shown(r) for r in await rows(conn, _LIST, after=after, limit=limit)]


def _shown(r: Row) -> DeadLetter:
    return DeadLetter(
        **{name: r[name] for name in DeadLetter.model_fields if name not in ("headers", "value")},
        headers=from_json(r["headers"]),
        value=bytes(r["value"]).decode(errors="replace"),
    )


def as_delivered(r: Row) -> Delivered:
    """Give back the record that a letter keeps."""
    return Delivered(
        topic=r["topic"],
        key=r["key"],
        headers=from_json(r["headers"]),
        value=bytes(r["value"]),
        partition=r["partition"],
        offset=r["offset"],
        written_at=r["written_at"],
    )


async def find(conn: AsyncConnection, letter_id: UUID) -> Row | None:
    """Give a letter's row and lock it."""
    found = await rows(conn, _ONE, letter_id=letter_id)
    return found[0] if found else None


async def on_key_of(conn: AsyncConnection, letter: Row) -> Sequence[Row]:
    """Lock the letter's key and give what waits on it, the oldest first."""
    place = {"consumer": letter["consumer"], "topic": letter["topic"], "key": letter["key"]}
    await rows(conn, _LOCK_KEY, **place)
    return await rows(conn, _ON_KEY, **place)


async def settle(conn: AsyncConnection, letter: Row) -> None:
    """Forget a letter whose record took effect."""
    await run(conn, _DELETE, letter_id=letter["letter_id"])


async def drop(conn: AsyncConnection, letter: Row) -> None:
    """Say that a letter's record is not to take effect; the store keeps it for whoever asks."""
    await run(conn, _DROP, letter_id=letter["letter_id"])


async def fail_again(work: Work, letter: Row, reason: str) -> None:
    """Note that a retry failed too."""
    await run(
        work.conn,
        _FAIL_AGAIN,
        letter_id=letter["letter_id"],
        reason=_kept(reason),
        now=work.now,
    )


async def unpark(conn: AsyncConnection, letter: Row) -> None:
    """Let the key's records through again."""
    await run(conn, _UNPARK, consumer=letter["consumer"], topic=letter["topic"], key=letter["key"])
