"""Many small requests, one commit: what waits is taken together, in one transaction.

While a transaction is at work, what comes meanwhile waits, and is taken with the next one; so the
batch grows with the load and a single request waits for nobody. When a batch fails, its items are
taken one at a time, so that one that cannot be stored fails alone.

Nobody waits for ever: when the store stands still, a request is told so after a time, and what of
it has not been begun leaves the queue. A round that has begun is broken off much later only: a
store that is only slow would never get one done.

Requests of many items are shared out to lanes, each with a transaction of its own: while the store
works on one, the other is worked on here. What is about the same thing goes by the same lane, so
that lanes do not wait for each other's rows and each thing's items keep their order.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mejora_events.faults import collided, store_is_away
from mejora_events.store import Store, Work
from mejora_service.errors import TooMany, Unavailable

log = logging.getLogger(__name__)

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

_TRIES = 5
_LANES = 2
_MANY = 20
"""Requests of so many items are worth sharing out."""
_SEVERAL, _GATHER_SECONDS, _LARGE = 8, 0.002, 200
"""After a round of so many requests, most of those who were answered come again at once: they are
waited for, unless so many items wait already that a larger round gains nothing."""
_MOST_BYTES_AT_ONCE = 8 * 1024 * 1024
"""A round of more is no faster, and needs as much again on its way into the store."""
_LONGEST_ROUND_SECONDS = 60.0
"""A server that was cut off does not say so: the round would be at work for ever."""


@dataclass(slots=True)
class _Waiting(Generic[ItemT, AnswerT]):
    items: Sequence[ItemT]
    size: int
    answers: asyncio.Future[Sequence[AnswerT]]
    since: float = field(default_factory=time.monotonic)


class Coalescer(Generic[ItemT, AnswerT]):
    """Takes items of many requests in one transaction each round.

    `take` is given all items of a round and gives an answer for each; it may raise `collided`
    errors, after which the round is tried again. `about` tells what an item is about, `size` how
    many bytes of memory it stands for: a body that came gzipped is larger by now.
    """

    def __init__(
        self,
        store: Store,
        actor: str,
        take: Callable[[Work, Sequence[ItemT]], Awaitable[Sequence[AnswerT]]],
        about: Callable[[ItemT], Hashable],
        *,
        size: Callable[[ItemT], int],
        most_at_once: int = 1000,
        most_waiting: int = 20_000,
        most_bytes_waiting: int = 32 * 1024 * 1024,
        longest_seconds: float = 10.0,
    ) -> None:
        self._actor, self._about, self._size = actor, about, size
        self._most_waiting, self._most_bytes_waiting = most_waiting, most_bytes_waiting
        self._lanes = [
            Lane(store, actor, take, most_at_once, longest_seconds) for _ in range(_LANES)
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Coalescer[ItemT, AnswerT]"]:
        """Work while the block runs; what waits at its end is still taken."""
        async with AsyncExitStack() as stack:
            for number, lane in enumerate(self._lanes):
                await stack.enter_async_context(lane.running(f"{self._actor}'s lane {number}"))
            yield self

    async def submit(self, items: Sequence[ItemT]) -> Sequence[AnswerT]:
        """Have items taken; returns when they are committed, with an answer for each.

        Raises TooMany when more waits than should, and Unavailable when the store is away or does
        not get on: some may have been committed then, or be committed later.
        """
        if not items:
            return []
        size = sum(map(self._size, items))
        if not self._has_room(len(items), size):
            raise TooMany(
                "More arrives than can be stored.",
                advice="Send it again after the time in Retry-After; nothing of it was kept.",
                headers={"Retry-After": "1"},
            )
        first, *others = self._lanes
        if len(items) < _MANY and not any(lane.is_busy for lane in others):
            return await first.put(items, size)
        return await self._share_out(items)

    def _has_room(self, count: int, size: int) -> bool:
        """Tell whether so much more may wait; what is alone may, be it more than that."""
        waiting = sum(lane.waiting for lane in self._lanes)
        held = sum(lane.size for lane in self._lanes)
        return not (waiting and waiting + count > self._most_waiting) and not (
            held and held + size > self._most_bytes_waiting
        )

    async def _share_out(self, items: Sequence[ItemT]) -> Sequence[AnswerT]:
        places: list[list[int]] = [[] for _ in self._lanes]
        for place, item in enumerate(items):
            places[hash(self._about(item)) % _LANES].append(place)
        shares = [share for share in places if share]
        answered = await asyncio.gather(
            *(
                lane.put(mine := [items[place] for place in share], sum(map(self._size, mine)))
                for lane, share in zip(self._lanes, places, strict=True)
                if share
            ),
            return_exceptions=True,
        )
        answers: dict[int, AnswerT] = {}
        for share, answer in zip(shares, answered, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            answers.update(zip(share, answer, strict=True))
        return [answers[place] for place in range(len(items))]


class Lane(Generic[ItemT, AnswerT]):
    """One round after the other, each in a transaction."""

    def __init__(
        self,
        store: Store,
        actor: str,
        take: Callable[[Work, Sequence[ItemT]], Awaitable[Sequence[AnswerT]]],
        most_at_once: int,
        longest_seconds: float,
    ) -> None:
        self._store, self._actor, self._take = store, actor, take
        self._most_at_once, self._longest_seconds = most_at_once, longest_seconds
        self._queue: deque[_Waiting[ItemT, AnswerT]] = deque()
        self.waiting = 0
        """How many items no round has begun to take."""
        self.size = 0
        """How large all is that waits or is at work."""
        self._begun: list[_Waiting[ItemT, AnswerT]] = []
        """What the round takes that is at work."""
        self._filled = asyncio.Event()
        self._closing = False

    @asynccontextmanager
    async def running(self, name: str) -> AsyncIterator[None]:
        worker = asyncio.create_task(self._work(), name=name)
        watch = asyncio.create_task(self._watch(), name=f"{name}, watched")
        try:
            yield
        finally:
            self._closing = True
            self._filled.set()
            await worker
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    @property
    def is_busy(self) -> bool:
        """Tell whether something waits or is at work."""
        return bool(self._begun or self._queue)

    def put(self, items: Sequence[ItemT], size: int) -> asyncio.Future[Sequence[AnswerT]]:
        """Have items taken; the future has their answers once they are committed."""
        waiting = _Waiting[ItemT, AnswerT](items, size, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self.waiting += len(items)
        self.size += size
        self._filled.set()
        return waiting.answers

    async def _work(self) -> None:
        while not self._closing:
            await self._filled.wait()
            self._filled.clear()
            while self._queue:
                if len(self._begun) >= _SEVERAL and self.waiting < _LARGE:
                    await asyncio.sleep(_GATHER_SECONDS)
                self._begun = self._next()
                await self._round(self._begun)
                self.size -= sum(one.size for one in self._begun)
            self._begun = []

    async def _watch(self) -> None:
        """Tell those that have waited too long, so that they hold no memory any longer."""
        while True:
            await asyncio.sleep(self._longest_seconds / 10)
            came_before = time.monotonic() - self._longest_seconds
            waiting = [one for one in (*self._begun, *self._queue) if not one.answers.done()]
            late = [one for one in waiting if one.since < came_before]
            if late:
                log.warning("%d requests waited too long for the store", len(late))
                self._fail(
                    late,
                    Unavailable(
                        "The store does not get on with what it is told.",
                        advice="Send the same again after the time in Retry-After: what has an id"
                        " counts once.",
                        headers={"Retry-After": "5"},
                    ),
                )
                self._queue = deque(one for one in self._queue if not one.answers.done())
                self.waiting = sum(len(one.items) for one in self._queue)
                self.size = sum(one.size for one in (*self._begun, *self._queue))

    def _next(self) -> list[_Waiting[ItemT, AnswerT]]:
        taken = [self._queue.popleft()]
        count, size = len(taken[0].items), taken[0].size
        while self._queue:
            count += len(self._queue[0].items)
            size += self._queue[0].size
            if count > self._most_at_once or size > _MOST_BYTES_AT_ONCE:
                break
            taken.append(self._queue.popleft())
        self.waiting -= sum(len(one.items) for one in taken)
        return taken

    async def _round(self, taken: list[_Waiting[ItemT, AnswerT]]) -> None:
        items = [item for waiting in taken for item in waiting.items]
        try:
            answers = await self._committed(items)
        except Exception as error:  # noqa: BLE001 (each waiting request is told)
            if len(taken) == 1 or store_is_away(error):
                self._fail(taken, error)
            else:
                log.info("a round of %d requests is taken one by one: %r", len(taken), error)
                for waiting in taken:
                    await self._round([waiting])
            return
        place = 0
        for waiting in taken:
            following = place + len(waiting.items)
            if not waiting.answers.done():
                waiting.answers.set_result(answers[place:following])
            place = following

    async def _committed(self, items: Sequence[ItemT]) -> Sequence[AnswerT]:
        for attempt in range(1, _TRIES + 1):
            try:
                async with self._store.begin(
                    actor=self._actor, longest_seconds=_LONGEST_ROUND_SECONDS
                ) as work:
                    answers = await self._take(work, items)
            except Exception as error:
                if not collided(error) or attempt == _TRIES:
                    raise
            else:
                return answers
        raise AssertionError("the last try returns or raises")

    def _fail(self, taken: list[_Waiting[ItemT, AnswerT]], error: Exception) -> None:
        if store_is_away(error):
            error = Unavailable(
                "The store cannot be reached now.",
                advice="Send the same again after the time in Retry-After: it counts once.",
                headers={"Retry-After": "1"},
            )
        for waiting in taken:
            if not waiting.answers.done():
                waiting.answers.set_exception(error)
