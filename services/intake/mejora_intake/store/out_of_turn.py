"""What is kept in mind of failures that no incident is open of."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.sql import rows
from mejora_events.store import Work
from mejora_intake.early import EarlyEnd
from mejora_intake.store.incidents import Failure

# Each is held by a hash of its name, in the order of the hashes, so that two that hold several of
# them never wait for each other. Whoever holds all shuts out those who hold some.
_HOLD = """
select pg_advisory_xact_lock(f.hash)
from (select pg_advisory_xact_lock_shared(hashtextextended('mejora-failures', 1))) as shared
cross join (
    select distinct hashtextextended(source || ' ' || fingerprint, 2) as hash
    from unnest(cast(:sources as text[]), cast(:fingerprints as text[])) as f (source, fingerprint)
    order by hash) as f
"""
_HOLD_ALL = "select pg_advisory_xact_lock(hashtextextended('mejora-failures', 1))"
_MOST_HELD = 250
"""More are held as all of them: a server has room for some thousands of locks."""

_KNOWN = """
select source, fingerprint, e.started_at, e.ended_at, e.received_at,
       s.signal is not null as silenced, o.incident_id is not null as begun
from unnest(cast(:sources as text[]), cast(:fingerprints as text[])) as f (source, fingerprint)
left join early_end e using (source, fingerprint)
left join silenced_failure s using (source, fingerprint)
left join failure o using (source, fingerprint)
where e.ended_at is not null or s.signal is not null or o.incident_id is not null
"""


@dataclass(frozen=True, slots=True)
class OutOfTurn:
    """What is known of failures beside their incidents."""

    early: dict[Failure, EarlyEnd] = field(default_factory=dict)
    """The ends that came before what they end."""
    silenced: set[Failure] = field(default_factory=set)
    """What a silence kept from its incident."""
    begun: set[Failure] = field(default_factory=set)
    """Those that an incident was opened of."""


async def hold_failures(work: Work, failures: Collection[Failure]) -> None:
    """Hold failures until the commit; what others who held them have done is seen from now on.

    They are held before any incident is. Without this, an end and what it ends that come to two
    instances at one moment would not see each other.
    """
    if len(failures) > _MOST_HELD:
        await rows(work.conn, _HOLD_ALL)
    elif failures:
        await rows(work.conn, _HOLD, **named(failures))


async def out_of_turn(conn: AsyncConnection, failures: Collection[Failure]) -> OutOfTurn:
    """Tell what is kept in mind of failures."""
    found = OutOfTurn()
    for r in await rows(conn, _KNOWN, **named(failures)) if failures else ():
        failure = r["source"], r["fingerprint"]
        if r["ended_at"] is not None:
            found.early[failure] = EarlyEnd(r["started_at"], r["ended_at"], r["received_at"])
        if r["silenced"]:
            found.silenced.add(failure)
        if r["begun"]:
            found.begun.add(failure)
    return found


def named(failures: Collection[Failure]) -> dict[str, list[str]]:
    """Give failures as a query takes them."""
    return {
        "sources": [source for source, _ in failures],
        "fingerprints": [fingerprint for _, fingerprint in failures],
    }
