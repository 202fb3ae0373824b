"""Apache Kafka through aiokafka, with the care that aiokafka 0.14 needs.

One task sends (concurrent sends are quadratic, aiokafka #528); a producer that failed is replaced,
since an idempotent one can stay stuck on out-of-order sequence numbers (#1017); nothing is
committed automatically; a batch in flight is finished, or dropped, before its partitions go, since
a commit is not fenced to the generation in which its records were fetched.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from mejora_events.contracts import TOPICS, Topic, dead_letters
from mejora_events.errors import TransportUnavailable
from mejora_events.record import Delivered, Record
from mejora_events.transports.base import Batch, TopicPartition

log = logging.getLogger(__name__)

_LARGEST_RECORD_BYTES = 1024 * 1024
_LARGEST_LETTER_BYTES = 2 * _LARGEST_RECORD_BYTES
"""A dead letter carries a record within it, in Base64."""
_COMMIT_EVERY_SECONDS = 0.5
_DRAIN_SECONDS = 20.0
"""How long a revocation waits for the batch in flight; well inside the rebalance timeout."""
_REBALANCE_PATIENCE_SECONDS = 1.0
_CONFIRM_SECONDS = 120.0
"""When a producer that has not got through is replaced, lest it be stuck."""
_COMMIT_SECONDS = 3.0
_ANSWER_SECONDS = 10.0
_STOP_SECONDS = 3.0


class KafkaProducer:
    """Writes with acks from all replicas, idempotently, in large batches."""

    def __init__(self, bootstrap: str, client: str) -> None:
        self._bootstrap, self._client = bootstrap, client
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, records: Sequence[Record]) -> None:
        try:
            # While the broker is away, an idempotent producer of aiokafka goes on trying.
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await self._send(await self._started(), records)
        except (KafkaError, OSError) as error:
            await self.close()
            raise TransportUnavailable(f"Kafka did not confirm: {error!r}") from error

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Record]) -> None:
        sent: list[asyncio.Future[Any]] = []
        try:
            for record in records:
                delivery = await producer.send(
                    record.topic,
                    record.value,
                    record.key.encode(),
                    headers=[(name, value.encode()) for name, value in record.headers.items()],
                )
                sent.append(delivery)
            await asyncio.gather(*sent)
        except BaseException:
            for delivery in sent:
                delivery.cancel()
            raise

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=self._client,
                acks="all",
                enable_idempotence=True,
                max_batch_size=256 * 1024,
                max_request_size=_LARGEST_LETTER_BYTES,
                request_timeout_ms=10_000,
            )
            try:
                await producer.start()
            except BaseException:
                await _stop(producer)
                raise
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)


class _Rebalancing(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Finishes, or drops, the batch in flight before partitions go."""

    def __init__(self) -> None:
        self.subscriber: KafkaSubscriber | None = None

    async def on_partitions_revoked(self, revoked: Sequence[KafkaPartition]) -> None:
        if self.subscriber is not None:
            await self.subscriber.give_away()

    async def on_partitions_assigned(self, assigned: Sequence[KafkaPartition]) -> None:
        log.info("partitions assigned", extra={"partitions": len(assigned)})


class KafkaSubscriber:
    """A member of a consumer group."""

    def __init__(self, consumer: AIOKafkaConsumer, opened: set["KafkaSubscriber"]) -> None:
        self._consumer, self._opened = consumer, opened
        self._in_flight = asyncio.Lock()
        self._generation = 0
        self._finished: dict[TopicPartition, int] = {}
        self._committed_at = 0.0

    @asynccontextmanager
    async def batch(self, *, most: int, wait_seconds: float) -> AsyncIterator[Batch]:
        async with self._in_flight:
            await self._commit(only_if_due=True)
        records = await self._fetch(most, wait_seconds)
        generation = self._generation
        async with self._in_flight:
            # What was fetched before a revocation comes again to whoever has the partition now.
            batch = Batch(records if generation == self._generation else [])
            try:
                yield batch
            finally:
                # After a revocation that did not wait, none of it is ours to commit or rewind.
                if generation == self._generation:
                    self._finished.update(batch.next_offsets())
                    self._rewind(batch)

    async def _fetch(self, most: int, wait_seconds: float) -> list[Delivered]:
        """Fetch outside of the lock, since during a rebalance aiokafka waits for its end here.

        That may be as long as the broker is away, so it is cut short; what is fetched is handed
        over in one step of the loop, so that cutting short loses nothing.
        """
        try:
            async with asyncio.timeout(wait_seconds + _REBALANCE_PATIENCE_SECONDS):
                fetched = await self._consumer.getmany(
                    timeout_ms=round(wait_seconds * 1000), max_records=most
                )
        except TimeoutError:
            return []
        except KafkaError as error:
            raise TransportUnavailable(f"Kafka did not deliver: {error!r}") from error
        return [_delivered(message) for messages in fetched.values() for message in messages]

    def _rewind(self, batch: Batch) -> None:
        for place, offset in batch.unfinished().items():
            partition = KafkaPartition(*place)
            if partition in self._consumer.assignment():
                self._consumer.seek(partition, offset)

    async def give_away(self) -> None:
        """Wait for the batch in flight and commit it, or drop it when it takes too long."""
        try:
            async with asyncio.timeout(_DRAIN_SECONDS), self._in_flight:
                await self._commit()
        except TimeoutError:
            log.warning("a batch in flight was dropped: its partitions were revoked")
        self._finished.clear()
        self._generation += 1

    async def _commit(self, *, only_if_due: bool = False) -> None:
        clock = asyncio.get_running_loop().time()
        if not self._finished or (
            only_if_due and clock - self._committed_at < _COMMIT_EVERY_SECONDS
        ):
            return
        self._committed_at = clock
        try:
            await self._commit_now()
        except (KafkaError, OSError) as error:
            # The effects are committed and the inbox knows them: the records may come again.
            log.warning("offsets were not committed: %r", error)

    async def _commit_now(self) -> None:
        """Commit what is finished; what fails stays, to be committed with what follows."""
        assigned = self._consumer.assignment()
        offsets = {
            KafkaPartition(*place): offset
            for place, offset in self._finished.items()
            if KafkaPartition(*place) in assigned
        }
        if offsets:
            # aiokafka looks for the group's coordinator for as long as it takes.
            async with asyncio.timeout(_COMMIT_SECONDS):
                await self._consumer.commit(offsets)
        self._finished.clear()

    async def seek_to_time(self, topic: str, time: datetime) -> Sequence[int]:
        at = round(time.timestamp() * 1000)
        async with self._in_flight:
            mine = [p for p in self._consumer.assignment() if p.topic == topic]
            if not mine:
                return []
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    found = await self._consumer.offsets_for_times(dict.fromkeys(mine, at))
                    for partition in mine:
                        # Only ever back: a member that lags has not read what lies between.
                        position = await self._consumer.position(partition)
                        if found.get(partition) is not None:
                            back = min(found[partition].offset, position)
                            self._consumer.seek(partition, back)
                            self._finished[(partition.topic, partition.partition)] = back
                await self._commit_now()
            except (KafkaError, OSError) as error:
                raise TransportUnavailable(f"Kafka did not go back: {error!r}") from error
            return [partition.partition for partition in mine]

    def assigned(self) -> Sequence[TopicPartition]:
        return [(p.topic, p.partition) for p in self._consumer.assignment()]

    async def lag(self) -> Mapping[TopicPartition, int]:
        waiting: dict[TopicPartition, int] = {}
        for partition in self._consumer.assignment():
            end = self._consumer.highwater(partition)
            if end is not None:
                position = await self._consumer.position(partition)
                waiting[(partition.topic, partition.partition)] = max(0, end - position)
        return waiting

    async def close(self) -> None:
        self._opened.discard(self)
        async with self._in_flight:
            await self._commit()
        await _stop(self._consumer)


class KafkaTransport:
    """A Kafka cluster, named by one or more of its brokers."""

    def __init__(
        self,
        bootstrap: str,
        *,
        client: str,
        partitions: int,
        replication_factor: int,
        retention_seconds: float,
    ) -> None:
        self._bootstrap, self._client = bootstrap, client
        self._partitions, self._replication_factor = partitions, replication_factor
        self._retention_seconds = retention_seconds
        self._producers: list[KafkaProducer] = []
        self._subscribers: set[KafkaSubscriber] = set()

    async def open(self, topics: Sequence[Topic] = TOPICS) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, client_id=self._client)
        try:
            await admin.start()
            there = set(await admin.list_topics())
            missing = [topic for topic in topics if topic.name not in there]
            if not missing:
                return
            answer = await admin.create_topics([self._new_topic(topic) for topic in missing])
            for name, code, *_ in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise TransportUnavailable(f"Kafka made no topic {name}: {for_code(code)!r}")
        except (KafkaError, OSError) as error:
            raise TransportUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error
        finally:
            await admin.close()

    def _new_topic(self, topic: Topic) -> NewTopic:
        letters = topic.name == dead_letters.TOPIC
        largest = _LARGEST_LETTER_BYTES if letters else _LARGEST_RECORD_BYTES
        return NewTopic(
            topic.name,
            num_partitions=self._partitions,
            replication_factor=self._replication_factor,
            topic_configs={
                "cleanup.policy": topic.keep.value,
                "retention.ms": str(round(self._retention_seconds * 1000)),
                "max.message.bytes": str(largest),
            },
        )

    def producer(self) -> KafkaProducer:
        producer = KafkaProducer(self._bootstrap, self._client)
        self._producers.append(producer)
        return producer

    async def subscribe(self, group: str, topics: Sequence[str]) -> KafkaSubscriber:
        rebalancing = _Rebalancing()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            rebalance_timeout_ms=30_000,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 * _LARGEST_RECORD_BYTES,
        )
        subscriber = KafkaSubscriber(consumer, self._subscribers)
        rebalancing.subscriber = subscriber
        consumer.subscribe(topics, listener=rebalancing)
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await _stop(consumer)
            raise TransportUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error
        self._subscribers.add(subscriber)
        return subscriber

    async def ping(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, client_id=self._client)
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            raise TransportUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error
        finally:
            await admin.close()

    async def expire(self, retention_seconds: float) -> int:
        """Leave it to Kafka, which deletes by the topic's own retention."""
        return 0

    async def close(self) -> None:
        for subscriber in list(self._subscribers):
            await subscriber.close()
        for producer in self._producers:
            await producer.close()


_ending: set[asyncio.Task[None]] = set()


async def _stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop a client; one whose broker is gone goes on stopping by itself until it is back.

    It is not cancelled: half stopped, aiokafka leaves its tasks and connections behind.
    """
    stopping = asyncio.create_task(client.stop())
    _ending.add(stopping)
    stopping.add_done_callback(_ended)
    await asyncio.wait({stopping}, timeout=_STOP_SECONDS)


def _ended(stopping: asyncio.Task[None]) -> None:
    _ending.discard(stopping)
    if not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.warning("a Kafka client did not stop cleanly: %r", error)


def _delivered(message: Any) -> Delivered:  # a ConsumerRecord; aiokafka has no types
    return Delivered(
        topic=message.topic,
        # A key is kept as text, also that of a dead letter, and PostgreSQL's text has no NUL.
        key=(message.key or b"")
        .decode(errors="replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}"),
        headers={
            name.lower(): (value or b"").decode(errors="replace") for name, value in message.headers
        },
        value=message.value or b"",
        partition=message.partition,
        offset=message.offset,
        written_at=datetime.fromtimestamp(message.timestamp / 1000, UTC),
    )
