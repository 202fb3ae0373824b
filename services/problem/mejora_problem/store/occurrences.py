"""Incidents, as far as they have been heard of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.ids import IncidentId
from mejora_events.sql import as_json, from_json, rows, run
from mejora_problem.model.occurrences import Fault, Occurrence, fault_of

# Makes a row for each incident not heard of before, in one order for all, against deadlocks.
_MAKE = """
insert into occurrence (incident_id, body)
select i.incident_id, jsonb_build_object('incident_id', i.incident_id)
from unnest(cast(:incident_ids as uuid[])) as i (incident_id)
order by i.incident_id
on conflict do nothing
"""

# Locks the incidents: whoever hears the other half of one now waits, and then sees this half.
_LOCK = """
select incident_id, body from occurrence
where incident_id = any(cast(:incident_ids as uuid[]))
order by incident_id
for update
"""

_WRITE = """
update occurrence o
set signature_id = n.signature_id, reported_at = n.reported_at, high_since = n.high_since,
    priority = n.priority, body = cast(n.body as jsonb)
from unnest(cast(:incident_ids as uuid[]), cast(:signature_ids as text[]),
            cast(:reported_at as timestamptz[]), cast(:high_since as timestamptz[]),
            cast(:priorities as smallint[]), cast(:bodies as text[]))
     as n (incident_id, signature_id, reported_at, high_since, priority, body)
where o.incident_id = n.incident_id
"""

_OF_SIGNATURES = """
select signature_id, body from occurrence
where signature_id = any(cast(:signature_ids as text[]))
"""

# The incidents of a signature that were reported last.
_LATEST = """
select incident_id from occurrence
where signature_id = :signature_id
order by reported_at desc, incident_id desc
limit :limit
"""

# Tells the signature of an incident, once it is diagnosed.
_SIGNATURE = "select signature_id from occurrence where incident_id = :incident_id"


async def lock(
    conn: AsyncConnection, incident_ids: Iterable[IncidentId]
) -> dict[IncidentId, Occurrence]:
    """Give what is known of these incidents, which nobody else can add to until we commit."""
    ids = sorted(set(incident_ids))
    await run(conn, _MAKE, incident_ids=ids)
    found = await rows(conn, _LOCK, incident_ids=ids)
    return {IncidentId(one["incident_id"]): _read(one["body"]) for one in found}


async def write(conn: AsyncConnection, occurrences: Sequence[Occurrence]) -> None:
    """Write what is known of incidents that are locked."""
    findings = [one.finding for one in occurrences]
    await run(
        conn,
        _WRITE,
        incident_ids=[one.incident_id for one in occurrences],
        signature_ids=[one and one.signature_id for one in findings],
        reported_at=[one and one.reported_at for one in findings],
        high_since=[one and one.high_since for one in findings],
        priorities=[one and one.priority for one in findings],
        bodies=[as_json(one) for one in occurrences],
    )


async def faults_of(
    conn: AsyncConnection, signature_ids: Iterable[str]
) -> Mapping[str, tuple[Fault, ...]]:
    """Give all incidents of these signatures."""
    ids = sorted(set(signature_ids))
    faults: dict[str, list[Fault]] = {signature_id: [] for signature_id in ids}
    if ids:
        for one in await rows(conn, _OF_SIGNATURES, signature_ids=ids):
            faults[one["signature_id"]].append(read_fault(one["body"]))
    return {signature_id: tuple(listed) for signature_id, listed in faults.items()}


async def latest_of(conn: AsyncConnection, signature_id: str, limit: int) -> tuple[IncidentId, ...]:
    """Name the incidents of a signature that were reported last."""
    found = await rows(conn, _LATEST, signature_id=signature_id, limit=limit)
    return tuple(IncidentId(one["incident_id"]) for one in found)


async def signature_of(conn: AsyncConnection, incident_id: IncidentId) -> str | None:
    """Tell the signature of an incident, once it is diagnosed."""
    found = await rows(conn, _SIGNATURE, incident_id=incident_id)
    return found[0]["signature_id"] if found else None


def read_fault(body: Any) -> Fault:
    """Read a diagnosed incident."""
    fault = fault_of(_read(body))
    if fault is None:
        raise ValueError("an incident without a signature is listed under one")
    return fault


def _read(body: Any) -> Occurrence:
    return Occurrence.model_validate(from_json(body))
