"""What is kept in mind of failures that no incident is open of."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.sql import rows
from mejora_intake.early import EarlyEnd
from mejora_intake.store.incidents import Failure

_KNOWN = """
select source, fingerprint, e.started_at, e.ended_at, e.received_at,
       s.signal is not null as silenced
from unnest(cast(:sources as text[]), cast(:fingerprints as text[])) as f (source, fingerprint)
left join early_end e using (source, fingerprint)
left join silenced_failure s using (source, fingerprint)
where e.ended_at is not null or s.signal is not null
"""


async def out_of_turn(
    conn: AsyncConnection, failures: Collection[Failure]
) -> tuple[dict[Failure, EarlyEnd], set[Failure]]:
    """Give the ends that came before what they end, and what a silence kept from its incident."""
    if not failures:
        return {}, set()
    early, silenced = {}, set()
    for r in await rows(conn, _KNOWN, **named(failures)):
        failure = r["source"], r["fingerprint"]
        if r["ended_at"] is not None:
            early[failure] = EarlyEnd(r["started_at"], r["ended_at"], r["received_at"])
        if r["silenced"]:
            silenced.add(failure)
    return early, silenced


def named(failures: Collection[Failure]) -> dict[str, list[str]]:
    """Give failures as a query takes them."""
    return {
        "sources": [source for source, _ in failures],
        "fingerprints": [fingerprint for _, fingerprint in failures],
    }
