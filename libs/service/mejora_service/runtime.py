"""A service while it runs: its store, its relay, its consumer, its periodics."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy.ext.asyncio import create_async_engine

from mejora_events import inbox
from mejora_events.clock import Clock, SystemClock
from mejora_events.consumer import Consumer
from mejora_events.faults import backoff, wait_or
from mejora_events.relay import Relay
from mejora_events.sql import STORE_ERRORS, row, run
from mejora_events.store import Store, Work
from mejora_events.transports import connect
from mejora_service import idempotency, keys, telemetry
from mejora_service.bodies import Bodies
from mejora_service.desk import Desk
from mejora_service.migrate import upgrade
from mejora_service.service import Periodic, Service
from mejora_service.settings import ServiceSettings

log = logging.getLogger(__name__)

_DAY = 86_400.0
_LAG_SECONDS = 2.0
"""How long a scrape waits to hear from the broker, which may be away."""
_TURN = "select pg_try_advisory_xact_lock(hashtextextended(:name, 0)) as mine"


class Runtime:
    """One instance of a service."""

    def __init__(
        self, service: Service, settings: ServiceSettings, clock: Clock | None = None
    ) -> None:
        self.service, self.settings = service, settings
        self.clock: Clock = clock or SystemClock()
        engine = create_async_engine(
            settings.database_url, pool_size=settings.pool_size, max_overflow=settings.pool_size
        )
        self.store = Store(engine, service.name, self.clock)
        self.transport = connect(
            settings.broker_url,
            client=f"mejora-{service.name}",
            partitions=settings.partitions,
            replication_factor=settings.replication_factor,
            retention_seconds=settings.retention_seconds,
        )
        self.relay = Relay(self.store, self.transport.producer(), batch=settings.relay_batch)
        self.consumer = Consumer(
            service.name,
            self.store,
            self.transport,
            {**keys.ACCESS_REACTIONS, **service.reactions(settings)},
            batch=settings.consume_batch,
        )
        self.keys = keys.Keys(self.store, settings.longest_wait_seconds)
        self.bodies = Bodies(settings.most_bodies_bytes, settings.slowest_body_seconds)
        self.desk = Desk(settings.pool_size, settings.longest_wait_seconds)
        self.resource: Any = None
        self.ready = False
        self._stopping = asyncio.Event()
        self._consuming_stops = asyncio.Event()
        self._topics_made = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._consuming: asyncio.Task[None] | None = None
        self._resources = AsyncExitStack()

    async def start(self) -> None:
        """Bring the store up to date, then begin to relay, consume and answer."""
        await upgrade(self.store.engine, self.service.migrations)
        await self._take_admin_key()
        if self.service.resource is not None:
            self.resource = await self._resources.enter_async_context(self.service.resource(self))
        self._consuming = asyncio.create_task(self._with_topics(), name="consumer")
        self._spawn(self._relay_once_there_are_topics(), "relay")
        for periodic in (self._housekeeping(), *self.service.periodics(self.settings)):
            self._spawn(self._repeat(periodic), periodic.name)
        self.ready = True

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def _relay_once_there_are_topics(self) -> None:
        opened = asyncio.create_task(self._topics_made.wait())
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({opened, stopped}, return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        stopped.cancel()
        await self.relay.run(self._stopping)

    async def _with_topics(self) -> None:
        """Make the topics as soon as the broker answers, then consume until told to stop."""
        waits = backoff()
        while not self._consuming_stops.is_set():
            try:
                await self.transport.open()
                self._topics_made.set()
                break
            except Exception as error:  # noqa: BLE001 (told and tried again: nothing goes on without)
                self.consumer.last_error = repr(error)
                log.warning("waiting for the broker: %r", error)
                await wait_or(self._consuming_stops, next(waits))
        await self.consumer.run(self._consuming_stops)

    async def _take_admin_key(self) -> None:
        """Know the admin key that was set, without waiting for intake's event of it.

        Where keys are issued, one is made and printed, once, if none was set and none is there.
        """
        async with self.store.begin(actor="mejora") as work:
            if self.settings.admin_key is not None:
                key = self.settings.admin_key.get_secret_value()
            elif self.service.issues_keys and not await keys.any_issued(work):
                key = keys.new_key()
                print(f"The first admin key, shown only now: {key}", flush=True)  # noqa: T201
            else:
                return
            issued = keys.admin_key_issued(key, work)
            if await keys.take(work, issued) and self.service.issues_keys:
                work.emit(issued)

    async def stop(self) -> None:
        """Stop in order: not ready, stop fetching, finish the batch, commit, stop the relay."""
        self.ready = False
        self._consuming_stops.set()
        if self._consuming is not None:
            await asyncio.gather(self._consuming, return_exceptions=True)
        await self._resources.aclose()
        self._stopping.set()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, BaseException):
                log.error("a task had ended: %r", outcome)
        await self.transport.close()
        await self.store.engine.dispose()

    async def _repeat(self, periodic: Periodic) -> None:
        while not self._stopping.is_set():
            try:
                await self.run_periodic(periodic)
            except Exception:
                telemetry.PERIODIC_FAILURES.labels(self.service.name, periodic.name).inc()
                log.exception("a round of %s failed", periodic.name)
            await wait_or(self._stopping, periodic.every_seconds)

    async def run_periodic(self, periodic: Periodic) -> bool:
        """Do a round, unless another instance is at it; tell whether it was done."""
        async with self.store.begin(actor="mejora") as work:
            turn = await row(work.conn, _TURN, name=f"mejora-periodic:{periodic.name}")
            if turn is None or not turn["mine"]:
                return False
            await periodic.run(work)
        return True

    def _housekeeping(self) -> Periodic:
        async def tidy(work: Work) -> None:
            await inbox.forget(work.conn, self.settings.retention_seconds + _DAY)
            await run(work.conn, idempotency.FORGET)
            if self.consumer.subscriber is not None:
                await self.transport.expire(self.settings.retention_seconds)

        return Periodic("housekeeping", 3600.0, tidy)

    async def check(self) -> dict[str, str]:
        """Tell how what this stands on is; a broker that is away does not make it unready."""
        answer = {"service": "ready" if self.ready else "starting or stopping"}
        try:
            async with self.store.read() as conn:
                await row(conn, "select 1")
            answer["store"] = "ready"
        except STORE_ERRORS as error:
            answer["store"] = f"away: {error.__class__.__name__}"
        for name, last_error, task in (
            ("relay", self.relay.last_error, self._task("relay")),
            ("consumer", self.consumer.last_error, self._consuming),
        ):
            if task is not None and task.done():
                answer[name] = "ended"
            else:
                answer[name] = "waiting for the broker" if last_error else "ready"
        return answer

    def _task(self, name: str) -> asyncio.Task[None] | None:
        return next((task for task in self._tasks if task.get_name() == name), None)

    async def measure(self) -> None:
        """Bring the gauges up to date, for a scrape."""
        name, counts = self.service.name, self.consumer.counts
        telemetry.EVENTS_APPLIED.labels(name).set(counts.applied)
        telemetry.EVENTS_REPEATED.labels(name).set(counts.repeated)
        telemetry.EVENTS_PARKED.labels(name).set(counts.parked)
        events, oldest_seconds = await self.relay.waiting()
        telemetry.OUTBOX_EVENTS.labels(name).set(events)
        telemetry.OUTBOX_AGE.labels(name).set(oldest_seconds)
        if self.consumer.subscriber is not None:
            async with asyncio.timeout(_LAG_SECONDS):
                lags = await self.consumer.subscriber.lag()
            for (topic, partition), lag in lags.items():
                telemetry.CONSUMER_LAG.labels(name, topic, partition).set(lag)
