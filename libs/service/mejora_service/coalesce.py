"""Many small requests, one commit: what waits is taken together, in one transaction.

While a transaction is at work, what comes meanwhile waits, and is taken with the next one; so the
batch grows with the load and a single request waits for nobody. When a batch fails, its items are
taken one at a time, so that one that cannot be stored fails alone.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from mejora_events.faults import collided, store_is_away
from mejora_events.store import Store, Work
from mejora_service.errors import TooMany, Unavailable

log = logging.getLogger(__name__)

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

_TRIES = 5


@dataclass(slots=True)
class _Waiting(Generic[ItemT, AnswerT]):
    items: Sequence[ItemT]
    answers: asyncio.Future[Sequence[AnswerT]]


class Coalescer(Generic[ItemT, AnswerT]):
    """Takes items of many requests in one transaction each round.

    `take` is given all items of a round and gives an answer for each; it may raise `collided`
    errors, after which the round is tried again.
    """

    def __init__(
        self,
        store: Store,
        actor: str,
        take: Callable[[Work, Sequence[ItemT]], Awaitable[Sequence[AnswerT]]],
        *,
        most_at_once: int = 1000,
        most_waiting: int = 20_000,
    ) -> None:
        self._store, self._actor, self._take = store, actor, take
        self._most_at_once, self._most_waiting = most_at_once, most_waiting
        self._queue: deque[_Waiting[ItemT, AnswerT]] = deque()
        self._queued = 0
        self._filled = asyncio.Event()
        self._closing = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Coalescer[ItemT, AnswerT]"]:
        """Work while the block runs; what waits at its end is still taken."""
        worker = asyncio.create_task(self._work(), name=f"coalescer of {self._actor}")
        try:
            yield self
        finally:
            self._closing = True
            self._filled.set()
            await worker

    async def submit(self, items: Sequence[ItemT]) -> Sequence[AnswerT]:
        """Have items taken; returns when they are committed, with an answer for each.

        Raises TooMany when more waits than should, and Unavailable when the store is away.
        """
        if not items:
            return []
        if self._queued + len(items) > self._most_waiting and self._queued:
            raise TooMany(
                "More arrives than can be stored.",
                advice="Send it again after the time in Retry-After; nothing of it was kept.",
                headers={"Retry-After": "1"},
            )
        waiting = _Waiting[ItemT, AnswerT](items, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._queued += len(items)
        self._filled.set()
        return await waiting.answers

    async def _work(self) -> None:
        while not self._closing:
            await self._filled.wait()
            self._filled.clear()
            while self._queue:
                await self._round(self._next())

    def _next(self) -> list[_Waiting[ItemT, AnswerT]]:
        taken = [self._queue.popleft()]
        count = len(taken[0].items)
        while self._queue and count + len(self._queue[0].items) <= self._most_at_once:
            taken.append(self._queue.popleft())
            count += len(taken[-1].items)
        self._queued -= count
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
                async with self._store.begin(actor=self._actor) as work:
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
