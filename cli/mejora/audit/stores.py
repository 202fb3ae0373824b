"""Looks into every store: one read-only snapshot of each."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from mejora.audit import queries
from mejora.audit.ledger import Accepted
from mejora.audit.picture import (
    THINGS,
    FeedHeld,
    Frame,
    Letter,
    Picture,
    ProblemCount,
    Received,
    Signal,
    SignalsHeld,
    Snapshot,
    Told,
)
from mejora_events.sql import Row, rows

_ASKED_AT_ONCE = 10_000


class Stores:
    """The databases of all services, opened for looking."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._engines = {name: create_async_engine(url, pool_size=1) for name, url in urls.items()}

    async def close(self) -> None:
        """Let go of the databases."""
        for engine in self._engines.values():
            await engine.dispose()

    async def look(self, ledger: Sequence[Accepted], oldest: datetime) -> Picture:
        """Tell what all stores hold; of events, of those told since `oldest`.

        Raises what SQLAlchemy and the driver raise when a store cannot be looked into.
        """
        youngest = _first_id_of(oldest)
        frames: dict[str, Frame] = {}
        held: dict[tuple[str, str], Sequence[Snapshot]] = {}
        picture = Picture(frames=frames, held=held)
        for service in self._engines:
            async with self._snapshot(service) as conn:
                frames[service] = await _frame(conn, service, youngest)
                for thing in THINGS:
                    if (thing.name, service) in queries.HELD:
                        held[(thing.name, service)] = await _held(conn, thing.name, service)
                if service == "intake":
                    picture.signals = await _signals(conn, ledger)
                elif service == "diagnosis":
                    picture.signatures = await _signatures(conn)
                elif service == "problem":
                    picture.problem_counts = await _problem_counts(conn)
                elif service == "improvement":
                    picture.feed = await _feed(conn, youngest)
        return picture

    @asynccontextmanager
    async def _snapshot(self, service: str) -> AsyncIterator[AsyncConnection]:
        async with self._engines[service].connect() as conn:
            await conn.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            yield conn


def _first_id_of(time: datetime) -> UUID:
    """Give the least UUIDv7 of a moment (RFC 9562: 48 bits of milliseconds come first)."""
    return UUID(int=max(0, int(time.timestamp() * 1000)) << 80)


async def _frame(conn: AsyncConnection, service: str, youngest: UUID) -> Frame:
    told = await rows(conn, queries.TOLD, youngest=youngest)
    received = await rows(conn, queries.RECEIVED, service=service, youngest=youngest)
    letters = await rows(conn, queries.LETTERS, service=service)
    return Frame(
        told=[Told(r["event_id"], r["type"], r["waits"]) for r in told],
        received=[Received(r["ce_source"], r["ce_id"]) for r in received],
        letters=[Letter(**r) for r in letters],
    )


async def _held(conn: AsyncConnection, thing: str, service: str) -> list[Snapshot]:
    return [
        Snapshot(str(r["id"]), r["version"], str(r["key"]))
        for r in await rows(conn, queries.HELD[(thing, service)])
    ]


async def _signals(conn: AsyncConnection, ledger: Sequence[Accepted]) -> SignalsHeld:
    of_ledger: list[Row] = []
    asked = sorted({(one.source, one.id) for one in ledger})
    for first in range(0, len(asked), _ASKED_AT_ONCE):
        part = asked[first : first + _ASKED_AT_ONCE]
        of_ledger += await rows(
            conn,
            queries.SIGNALS,
            sources=[source for source, _ in part],
            signal_ids=[signal_id for _, signal_id in part],
        )
    doubled = await rows(conn, queries.SIGNALS_DOUBLED)
    counted = await rows(conn, queries.SIGNALS_OF_INCIDENTS)
    occurrences = await rows(conn, queries.OCCURRENCES)
    return SignalsHeld(
        of_ledger=[Signal(r["source"], r["signal_id"], r["incident_id"]) for r in of_ledger],
        doubled=[(r["source"], r["signal_id"]) for r in doubled],
        counted={str(r["incident_id"]): r["counted"] for r in counted},
        occurrences={str(r["incident_id"]): r["occurrences"] for r in occurrences},
    )


async def _signatures(conn: AsyncConnection) -> dict[str, str]:
    found = await rows(conn, queries.SIGNATURES)
    return {str(r["incident_id"]): r["signature_id"] for r in found}


async def _problem_counts(conn: AsyncConnection) -> dict[str, ProblemCount]:
    found = await rows(conn, queries.PROBLEM_COUNTS)
    return {r["signature_id"]: ProblemCount(str(r["problem_id"]), r["incidents"]) for r in found}


async def _feed(conn: AsyncConnection, youngest: UUID) -> FeedHeld:
    newest_told: dict[str, Mapping[str, int]] = {}
    for thing, sql in queries.NEWEST_TOLD.items():
        newest_told[thing] = {r["id"]: r["version"] for r in await rows(conn, sql)}
    found = await rows(conn, queries.FEED, youngest=youngest)
    return FeedHeld(
        events=Counter(Received(r["source"], r["event_id"]) for r in found),
        newest_told=newest_told,
    )
