"""For other services: a typed `async for event in subscription`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event, decode, type_of
from mejora_events.errors import TransportUnavailable, Undecodable
from mejora_events.faults import backoff
from mejora_events.transports import connect
from mejora_events.transports.base import Batch, Subscriber

DataT = TypeVar("DataT", bound=EventData)


class Subscription(Generic[DataT]):
    """Events of some types, each at least once, a key's events in their order.

    An event counts as used when the next one is asked for, or the subscription is left without an
    error; soon after, that is committed. One that is not comes again to the group's next
    subscription, and after a crash so do some that were used: `(event.source, event.id)` tells a
    repeated one. A record that is no event of a contract raises Undecodable, unless
    `skip_undecodable` is set; whoever goes on after that gets the next one. While the broker is
    away, the subscription waits for it.
    """

    def __init__(
        self,
        address: str,
        *types: type[DataT],
        group: str,
        skip_undecodable: bool = False,
    ) -> None:
        self._transport = connect(address, client=group)
        self._types, self._group = types, group
        self._skip_undecodable = skip_undecodable
        self._subscriber: Subscriber | None = None
        self._held: AbstractAsyncContextManager[Batch] | None = None
        self._batch = Batch(())
        self._asked_for = 0
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._subscriber = await self._subscribe()
        self._is_open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        half_used = 0 if error is None else 1
        self._batch.finish(max(0, self._asked_for - half_used))
        await self._let_go()
        await self._transport.close()

    def __aiter__(self) -> AsyncIterator[Event[DataT]]:
        return self

    async def __anext__(self) -> Event[DataT]:
        if not self._is_open:
            raise RuntimeError("open the subscription first: async with Subscription(…)")
        while True:
            while self._asked_for == len(self._batch.records):
                await self._next_batch()
            record = self._batch.records[self._asked_for]
            self._asked_for += 1
            try:
                if type_of(record) in {contract.TYPE for contract in self._types}:
                    return cast("Event[DataT]", decode(record))
            except Undecodable:
                if not self._skip_undecodable:
                    raise

    async def _next_batch(self) -> None:
        self._batch.finish()
        await self._let_go()
        waits = backoff()
        while True:
            try:
                if self._subscriber is None:
                    self._subscriber = await self._subscribe()
                held = self._subscriber.batch(most=500, wait_seconds=1.0)
                self._batch, self._asked_for = await held.__aenter__(), 0
            except TransportUnavailable:
                await self._leave()
                await asyncio.sleep(next(waits))
            else:
                self._held = held
                return

    async def _subscribe(self) -> Subscriber:
        topics = sorted({contract.TOPIC for contract in self._types})
        return await self._transport.subscribe(self._group, topics)

    async def _leave(self) -> None:
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            await subscriber.close()

    async def _let_go(self) -> None:
        """Let the batch in hand be committed as far as it is finished."""
        held, self._held = self._held, None
        self._batch, self._asked_for = Batch(()), 0
        if held is not None:
            await held.__aexit__(None, None, None)
