"""All four services together: signals go in at intake, and the stores tell what came of them.

When something was recorded is the time that PostgreSQL wrote into the commit that recorded it
(`track_commit_timestamp`), on the one clock of this machine. So asking can wait until all is over,
and adds nothing to what is measured.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from bench.ground import Ground, RunningService, plain
from bench.load import Connection, request, status_of, ticks
from bench.signals import all_new, in_posts
from mejora_events.contracts.diagnoses import DiagnosisEstablished
from mejora_events.contracts.incidents import IncidentReported

_SIGNALS = "/intake/v1/signals"
_SIGNALS_A_POST = 100
_POSTS_AT_ONCE = 8
_SETTLE_SECONDS = 120.0
_LOOK_AGAIN_SECONDS = 0.2
FACTS = (IncidentReported.TYPE, DiagnosisEstablished.TYPE)
"""What there is to know of an incident once it has gone all the way."""

# How many of some incidents a store knows from both sides: the report and the diagnosis.
_KNOWN = {
    "problem": """
        select count(*) from occurrence
        where incident_id = any($1) and body -> 'course' ->> 'version' is not null
          and body -> 'finding' ->> 'version' is not null
    """,
    "improvement": """
        select count(*) from measured_incident join measured_diagnosis using (incident_id)
        where incident_id = any($1)
    """,
}
_INCIDENTS = {
    "intake": "select count(*) from incident",
    "problem": "select count(*) from occurrence",
    "improvement": "select count(*) from measured_incident",
}
# Rows of `feed`, `inbox` and `timeline` never change: `xmin` is the transaction that recorded them.
_FED = """
select event_id, type, cast(subject as uuid) as incident_id,
       cast(extract(epoch from pg_xact_commit_timestamp(xmin)) as float8) as at
from feed where type = any($1) and subject = any($2::text[])
"""
_RECEIVED = """
select ce_id, cast(extract(epoch from pg_xact_commit_timestamp(xmin)) as float8) as at
from inbox where consumer = $1 and ce_id = any($2)
"""

_OPENED = """
select incident_id, cast(extract(epoch from pg_xact_commit_timestamp(xmin)) as float8) as at
from timeline where what = 'opened' and incident_id = any($1)
"""


@dataclass(slots=True)
class Posted:
    """What intake has answered. Times are seconds of the wall clock."""

    due_at: dict[UUID, float] = field(default_factory=dict)
    """When the signal that opened each incident was due to be posted."""
    answer_seconds: list[float] = field(default_factory=list)
    """From when each post was due until it was answered."""

    @property
    def incidents(self) -> list[UUID]:
        """Give the incidents that were opened."""
        return list(self.due_at)

    def note(self, answer: bytes, due: float) -> None:
        """Note an answer; raises unless each of its signals has opened an incident."""
        self.answer_seconds.append(time.time() - due)
        if status_of(answer) != 202:
            raise RuntimeError(f"intake did not take a post: {answer.decode()}")
        for signal in orjson.loads(answer.partition(b"\r\n\r\n")[2])["signals"]:
            incident = UUID(signal["incident_id"])
            if signal["disposition"] != "opened" or incident in self.due_at:
                raise RuntimeError(f"a new failure is no new incident: {signal}")
            self.due_at[incident] = due


@dataclass(slots=True)
class Whole:
    """The services, and a connection to the store of each."""

    services: Mapping[str, RunningService]
    _stores: Mapping[str, asyncpg.Connection]

    async def post_at_pace(self, name: str, count: int, per_second: float) -> Posted:
        """Post failures one by one as they begin, at a steady pace, whatever the answers take."""
        posted, idle = Posted(), list[Connection]()
        apart = timedelta(seconds=1 / per_second)
        async with asyncio.TaskGroup() as group:
            bodies = all_new(name, count, began=datetime.now(UTC), apart=apart)
            async for due in ticks(count, per_second):
                group.create_task(self._post(next(bodies), due, idle, posted))
        for connection in idle:
            connection.close()
        return posted

    async def post_at_once(self, name: str, count: int) -> Posted:
        """Post new failures in arrays, as fast as intake takes them."""
        posted, idle, bodies = Posted(), list[Connection](), all_new(name, count)
        began, posts = time.time(), in_posts(bodies, _SIGNALS_A_POST)

        async def keep_posting() -> None:
            for body in posts:
                await self._post(body, began, idle, posted)

        async with asyncio.TaskGroup() as group:
            for _ in range(_POSTS_AT_ONCE):
                group.create_task(keep_posting())
        for connection in idle:
            connection.close()
        return posted

    async def _post(self, body: bytes, due: float, idle: list[Connection], posted: Posted) -> None:
        intake = self.services["intake"]
        connection = idle.pop() if idle else await Connection.to(intake.port)
        answer = await connection.send(request(intake.port, _SIGNALS, intake.key, body))
        posted.note(answer, due)
        idle.append(connection)

    async def settled(self, incidents: Collection[UUID]) -> None:
        """Wait until every store knows these incidents and no event waits to be sent."""
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                while await self._missing(incidents):
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except TimeoutError:
            missing = await self._missing(incidents)
            raise RuntimeError(f"it does not settle; missing or waiting: {missing}") from None

    async def _missing(self, incidents: Collection[UUID]) -> dict[str, int]:
        """Tell which stores have how many incidents still to hear of, or else events to send."""
        missing = {}
        for name, store in self._stores.items():
            known = await store.fetchval(_KNOWN[name], incidents) if name in _KNOWN else None
            unknown = 0 if known is None else len(incidents) - known
            missing[name] = unknown or await store.fetchval("select count(*) from outbox")
        return {name: count for name, count in missing.items() if count}

    async def measured_at(self, incidents: Collection[UUID]) -> dict[UUID, float]:
        """Tell when improvement had both facts of each: that it was reported, and the diagnosis.

        Raises unless it has each of them exactly once, and no store any incident beside.
        """
        facts = await self._fed(incidents, FACTS)
        found = Counter((fact["type"], fact["incident_id"]) for fact in facts)
        expected = Counter((fact, incident) for fact in FACTS for incident in incidents)
        if found != expected:
            lost, doubled = (expected - found).total(), (found - expected).total()
            raise RuntimeError(f"{lost} facts of incidents were lost and {doubled} doubled")
        counts = {name: await self._stores[name].fetchval(sql) for name, sql in _INCIDENTS.items()}
        if len(set(counts.values())) > 1:
            raise RuntimeError(f"the stores do not have equally many incidents: {counts}")
        return _latest([(fact["incident_id"], fact["at"]) for fact in facts])

    async def recorded_at(
        self, incidents: Collection[UUID], facts: Collection[str] = FACTS
    ) -> dict[UUID, float]:
        """Tell when the problem service had recorded all these facts of each incident."""
        of = {fact["event_id"]: fact["incident_id"] for fact in await self._fed(incidents, facts)}
        received = await self._stores["problem"].fetch(_RECEIVED, "problem", list(of))
        if len(received) != len(facts) * len(incidents):
            raise RuntimeError(
                f"the problem service has {len(received)} facts of {len(incidents)} incidents"
            )
        return _latest([(of[row["ce_id"]], row["at"]) for row in received])

    async def diagnosing_seconds(self, incidents: Collection[UUID]) -> list[float]:
        """Tell how long after intake's commit diagnosis has committed that of each incident."""
        opened_at = await self._stores["intake"].fetch(_OPENED, list(incidents))
        reported = await self._fed(incidents, [IncidentReported.TYPE])
        of = {fact["event_id"]: fact["incident_id"] for fact in reported}
        taken = await self._stores["diagnosis"].fetch(_RECEIVED, "diagnosis", list(of))
        diagnosed_at = {of[row["ce_id"]]: row["at"] for row in taken}
        return [diagnosed_at[row["incident_id"]] - row["at"] for row in opened_at]

    async def _fed(
        self, incidents: Collection[UUID], facts: Collection[str]
    ) -> list[asyncpg.Record]:
        subjects = [str(incident) for incident in incidents]
        fed: list[asyncpg.Record] = await self._stores["improvement"].fetch(_FED, facts, subjects)
        return fed


def _latest(times: Collection[tuple[UUID, float]]) -> dict[UUID, float]:
    latest: dict[UUID, float] = {}
    for incident, at in times:
        latest[incident] = max(at, latest.get(incident, at))
    return latest


@asynccontextmanager
async def the_whole(ground: Ground) -> AsyncIterator[Whole]:
    """Give the four services, which go on running for the next measurement that asks."""
    services = await ground.all_services()
    async with AsyncExitStack() as stack:
        stores = {
            name: await stack.enter_async_context(plain(service.database_url))
            for name, service in services.items()
        }
        yield Whole(services, stores)
