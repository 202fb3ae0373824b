"""What a transport offers, be it Kafka or the log in PostgreSQL."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mejora_events.contracts import TOPICS, Topic
from mejora_events.record import Delivered, Record

TopicPartition = tuple[str, int]


@dataclass(slots=True)
class Batch:
    """Records that were read together; while it is held, none of its partitions is given away."""

    records: Sequence[Delivered]
    finished: int = 0
    """How many of the records, from the first, need not come again."""

    def finish(self, count: int | None = None) -> None:
        """Say that the effects of all its records, or of the first so many, are committed."""
        self.finished = len(self.records) if count is None else count

    def next_offsets(self) -> dict[TopicPartition, int]:
        """Tell where each partition is to be read on after what is finished."""
        following: dict[TopicPartition, int] = {}
        for record in self.records[: self.finished]:
            place = (record.topic, record.partition)
            following[place] = max(following.get(place, 0), record.offset + 1)
        return following

    def unfinished(self) -> dict[TopicPartition, int]:
        """Tell from where each partition is to be read again."""
        again: dict[TopicPartition, int] = {}
        for record in self.records[self.finished :]:
            again.setdefault((record.topic, record.partition), record.offset)
        return again


class Producer(Protocol):
    """Writes records durably. One task at a time may use it."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Write records and return when all are durable, each key's in the order given.

        Raises TransportUnavailable when that cannot be said of all of them; the same records may
        then be published again (a reader tells a repeated one by its source and id).
        """
        ...

    async def close(self) -> None:
        """Let go of the broker."""
        ...


class Subscriber(Protocol):
    """Reads the topics of one group; the partitions are shared among the group's members."""

    def batch(self, *, most: int, wait_seconds: float) -> AbstractAsyncContextManager[Batch]:
        """Read the next records, at most so many, waiting at most so long for the first.

        The batch is held while the block runs: a revocation waits for it. When the block is left,
        what is finished is committed soon, and what is not is read again. Raises
        TransportUnavailable; the subscriber is then to be closed and replaced.
        """
        ...

    async def seek_to_time(self, topic: str, time: datetime) -> Sequence[int]:
        """Read the topic's partitions that are assigned here again from a time; tell which.

        The group has its new place once this returns. Raises TransportUnavailable.
        """
        ...

    def assigned(self) -> Sequence[TopicPartition]:
        """Tell which partitions are this member's now."""
        ...

    async def lag(self) -> Mapping[TopicPartition, int]:
        """Tell how many records of the assigned partitions wait to be read."""
        ...

    async def close(self) -> None:
        """Commit what is finished and leave the group."""
        ...


class Transport(Protocol):
    """A broker of records."""

    async def open(self, topics: Sequence[Topic] = TOPICS) -> None:
        """Make the topics that do not exist. Raises TransportUnavailable."""
        ...

    def producer(self) -> Producer:
        """Give a producer; it connects when it is first used."""
        ...

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscriber:
        """Join a group that reads the topics, from the beginning or where the group left off."""
        ...

    async def ping(self) -> None:
        """Return if the broker answers; raises TransportUnavailable."""
        ...

    async def expire(self, retention_seconds: float) -> int:
        """Delete what is older than the retention, where the broker does not; tell how many."""
        ...

    async def close(self) -> None:
        """Let go of everything that this transport opened."""
        ...
