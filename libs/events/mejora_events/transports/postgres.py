"""A durable ordered log in PostgreSQL behind the same face as Kafka.

A writer takes the row locks of the partitions that it writes to, so that offsets become visible
in order and without gaps: here a cursor over offsets loses nothing. A reader owns a partition by
a session's advisory lock; which member should own which follows from the list of members alive.
"""

import asyncio
import contextlib
import logging
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import uuid4

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mejora_events.contracts import TOPICS, Keep, Topic
from mejora_events.errors import TransportUnavailable
from mejora_events.faults import wait_or
from mejora_events.record import Delivered, Record
from mejora_events.sql import STORE_ERRORS, from_json, row, rows, run
from mejora_events.transports import log_sql as sql
from mejora_events.transports.base import Batch, TopicPartition

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
"""How soon records of another process are seen; those of this process are seen at once."""
_HEARTBEAT_SECONDS = 2.0
_MEMBER_GONE_SECONDS = 10.0
_COMMIT_EVERY_SECONDS = 0.5


class PostgresProducer:
    """Appends to the log; each call is one transaction."""

    def __init__(self, transport: "PostgresTransport") -> None:
        self._transport = transport

    async def publish(self, records: Sequence[Record]) -> None:
        if records:
            await self._transport.append(records)

    async def close(self) -> None:
        """Nothing is held between calls."""


class PostgresSubscriber:
    """A member of a group: owns partitions by advisory locks held on one connection."""

    def __init__(self, transport: "PostgresTransport", group: str, topics: Sequence[str]) -> None:
        self._transport, self._group, self._topics = transport, group, tuple(topics)
        self.member = str(uuid4())
        self._conn: AsyncConnection | None = None
        self._position: dict[TopicPartition, int] = {}
        self._finished: dict[TopicPartition, int] = {}
        self._beat_at = self._committed_at = float("-inf")
        self._turn = 0

    @asynccontextmanager
    async def batch(self, *, most: int, wait_seconds: float) -> AsyncIterator[Batch]:
        try:
            batch = Batch(await self._fetch(most, wait_seconds))
        except STORE_ERRORS as error:
            await self._lose_connection()
            raise TransportUnavailable(f"the log did not deliver: {error!r}") from error
        try:
            yield batch
        finally:
            following = batch.next_offsets()
            self._position.update(following)
            self._finished.update(following)

    async def _fetch(self, most: int, wait_seconds: float) -> list[Delivered]:
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while True:
            conn = await self._keep_up()
            grew = self._transport.grew
            found = await self._read(conn, most)
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0:
                return found
            await wait_or(grew, min(left, _POLL_SECONDS))

    async def _read(self, conn: AsyncConnection, most: int) -> list[Delivered]:
        if not self._position:
            return []
        # Each read begins with another partition, so that a busy one starves none.
        places = list(self._position)
        self._turn = (self._turn + 1) % len(places)
        places = places[self._turn :] + places[: self._turn]
        found = await rows(
            conn,
            sql.READ,
            topics=[topic for topic, _ in places],
            partitions=[partition for _, partition in places],
            positions=[self._position[place] for place in places],
            most=most,
        )
        return [
            Delivered(
                topic=r["topic"],
                key=r["key"],
                headers=from_json(r["headers"]),
                value=r["value"],
                partition=r["partition"],
                offset=r["offset"],
                written_at=r["written_at"],
            )
            for r in found
        ]

    async def _keep_up(self) -> AsyncConnection:
        """Hold the connection, commit what is due, and now and then show that we are alive."""
        if self._conn is None:
            conn = await self._transport.engine.connect()
            self._conn = await conn.execution_options(isolation_level="AUTOCOMMIT")
            await row(self._conn, sql.LIVE, member=self.member)
        clock = asyncio.get_running_loop().time()
        if self._finished and clock - self._committed_at >= _COMMIT_EVERY_SECONDS:
            self._committed_at = clock
            await self._commit(self._conn)
        if clock - self._beat_at >= _HEARTBEAT_SECONDS:
            self._beat_at = clock
            await self._rebalance(self._conn)
        return self._conn

    async def _rebalance(self, conn: AsyncConnection) -> None:
        """Take what is due to this member and free; give back what is due to another.

        This runs between batches only, so nothing is in flight when a partition is given back.
        """
        await run(conn, sql.BEAT, group=self._group, member=self.member)
        members = await rows(
            conn, sql.MEMBERS, group=self._group, gone_seconds=_MEMBER_GONE_SECONDS
        )
        ranked = [m["member"] for m in members]
        places = await rows(conn, sql.PARTITIONS, topics=list(self._topics))
        mine = {
            (p["topic"], p["partition"])
            for turn, p in enumerate(places)
            if ranked[turn % len(ranked)] == self.member
        }
        given = [place for place in self._position if place not in mine]
        if given:
            await self._commit(conn)
        for place in given:
            await row(conn, sql.GIVE, lock=self._lock_of(place))
            del self._position[place]
        for place in sorted(mine - self._position.keys()):
            taken = await row(conn, sql.TAKE, lock=self._lock_of(place))
            if taken is not None and taken["taken"]:
                left_off = await row(
                    conn, sql.LEFT_OFF, group=self._group, topic=place[0], partition=place[1]
                )
                self._position[place] = left_off["next_offset"] if left_off else 0

    def _lock_of(self, place: TopicPartition) -> str:
        return f"mejora-log:{self._group}:{place[0]}:{place[1]}"

    async def _commit(self, conn: AsyncConnection) -> None:
        finished, self._finished = self._finished, {}
        if finished:
            await run(
                conn,
                sql.COMMIT,
                group=self._group,
                topics=[topic for topic, _ in finished],
                partitions=[partition for _, partition in finished],
                offsets=list(finished.values()),
            )

    async def seek_to_time(self, topic: str, time: datetime) -> Sequence[int]:
        mine = [partition for name, partition in self._position if name == topic]
        if not mine or self._conn is None:
            return []
        with _telling_when_away():
            for partition in mine:
                found = await row(
                    self._conn, sql.OFFSET_AT, topic=topic, partition=partition, time=time
                )
                # Only ever back: a member that lags has not read what lies between.
                place = (topic, partition)
                if found is not None and found["offset"] is not None:
                    back = min(found["offset"], self._position[place])
                    self._position[place] = self._finished[place] = back
            await self._commit(self._conn)
        return mine

    def assigned(self) -> Sequence[TopicPartition]:
        return list(self._position)

    async def lag(self) -> Mapping[TopicPartition, int]:
        async with self._transport.engine.connect() as conn:
            ends = await rows(conn, sql.ENDS, topics=list(self._topics))
        return {
            place: max(0, end["next_offset"] - self._position[place])
            for end in ends
            if (place := (end["topic"], end["partition"])) in self._position
        }

    async def _lose_connection(self) -> None:
        """Drop the connection: its locks go with it, and what is not committed comes again."""
        conn, self._conn = self._conn, None
        self._position.clear()
        self._finished.clear()
        self._beat_at = float("-inf")
        if conn is not None:
            with contextlib.suppress(*STORE_ERRORS):
                await conn.invalidate()
                await conn.close()

    async def close(self) -> None:
        self._transport.forget(self)
        if self._conn is None:
            return
        with contextlib.suppress(*STORE_ERRORS):
            await self._commit(self._conn)
            await run(self._conn, sql.LEAVE, group=self._group, member=self.member)
        await self._lose_connection()


class PostgresTransport:
    """The log in one PostgreSQL database, which several processes may share."""

    def __init__(self, address: str, *, partitions: int) -> None:
        self.engine: AsyncEngine = create_async_engine(address, pool_size=5, max_overflow=20)
        self._partitions = partitions
        self._partitions_of: dict[str, int] = {}
        self._grew = asyncio.Event()
        self._subscribers: set[PostgresSubscriber] = set()

    @property
    def grew(self) -> asyncio.Event:
        """Give an event that is set when this process appends next."""
        return self._grew

    async def open(self, topics: Sequence[Topic] = TOPICS) -> None:
        with _telling_when_away():
            async with self.engine.begin() as conn:
                await row(conn, sql.ALONE, lock="mejora-log:tables")
                for statement in sql.TABLES:
                    await run(conn, statement)
                for topic in topics:
                    await run(
                        conn,
                        sql.MAKE_TOPIC,
                        topic=topic.name,
                        partitions=self._partitions,
                        compacted=topic.keep is Keep.NEWEST_OF_EACH_KEY,
                    )

    async def append(self, records: Sequence[Record]) -> None:
        """Write records durably, each to its key's partition, in the order given."""
        with _telling_when_away():
            async with self.engine.begin() as conn:
                placed = [(r, await self._partition(conn, r)) for r in records]
                counts: dict[TopicPartition, int] = {}
                for record, partition in placed:
                    place = (record.topic, partition)
                    counts[place] = counts.get(place, 0) + 1
                ends = await rows(
                    conn,
                    sql.ADVANCE,
                    topics=[topic for topic, _ in counts],
                    partitions=[partition for _, partition in counts],
                    counts=list(counts.values()),
                )
                free = {(end["topic"], end["partition"]): end["first"] for end in ends}
                offsets = []
                for record, partition in placed:
                    offsets.append(free[(record.topic, partition)])
                    free[(record.topic, partition)] += 1
                await run(
                    conn,
                    sql.APPEND,
                    topics=[record.topic for record in records],
                    partitions=[partition for _, partition in placed],
                    offsets=offsets,
                    keys=[record.key for record in records],
                    headers=[orjson.dumps(dict(record.headers)).decode() for record in records],
                    values=[record.value for record in records],
                )
        self._grew.set()
        self._grew = asyncio.Event()

    async def _partition(self, conn: AsyncConnection, record: Record) -> int:
        if record.topic not in self._partitions_of:
            found = await row(conn, sql.PARTITIONS_OF, topic=record.topic)
            if found is None:
                raise TransportUnavailable(f"the log has no topic {record.topic}")
            self._partitions_of[record.topic] = found["partitions"]
        return zlib.crc32(record.key.encode()) % self._partitions_of[record.topic]

    def producer(self) -> PostgresProducer:
        return PostgresProducer(self)

    async def subscribe(self, group: str, topics: Sequence[str]) -> PostgresSubscriber:
        subscriber = PostgresSubscriber(self, group, topics)
        self._subscribers.add(subscriber)
        return subscriber

    def forget(self, subscriber: PostgresSubscriber) -> None:
        """Hold a subscriber no longer: it closes itself."""
        self._subscribers.discard(subscriber)

    async def ping(self) -> None:
        with _telling_when_away():
            async with self.engine.connect() as conn:
                await row(conn, "select 1")

    async def expire(self, retention_seconds: float) -> int:
        """Delete what is older than the retention, of compacted topics only what is outdated."""
        async with self.engine.begin() as conn:
            await run(conn, sql.FORGET_MEMBERS)
            old = await run(conn, sql.EXPIRE, retention_seconds=retention_seconds)
            return old + await run(conn, sql.COMPACT)

    async def close(self) -> None:
        for subscriber in list(self._subscribers):
            await subscriber.close()
        await self.engine.dispose()


@contextlib.contextmanager
def _telling_when_away() -> Iterator[None]:
    try:
        yield
    except STORE_ERRORS as error:
        raise TransportUnavailable(f"the log in PostgreSQL: {error!r}") from error
