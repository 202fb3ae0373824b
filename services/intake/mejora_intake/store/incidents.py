"""Incidents: what is decided by and listed by, and each in full."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import SerializationError
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.incidents import Incident
from mejora_events.ids import IncidentId
from mejora_events.sql import Row, row, rows, run
from mejora_events.store import Work

Failure = tuple[str, str]
"""A source and a fingerprint: the same failure."""

_CEDED = """
update incident set ceded = ceded + 1 where incident_id = any(cast(:incident_ids as uuid[]))
"""

# New incidents, and the incidents that failures are with from now on. A failure that another
# instance has just opened, or handed on, is left out of what it returns.
_OPEN = """
with i as (
    select * from unnest(
        cast(:incident_ids as uuid[]), cast(:sources as text[]), cast(:fingerprints as text[]),
        cast(:versions as integer[]), cast(:states as text[]), cast(:components as text[]),
        cast(:severities as text[]), cast(:origins as text[]), cast(:channels as text[]),
        cast(:reported as timestamptz[]), cast(:restored as timestamptz[]),
        cast(:occurrences as bigint[]), cast(:bodies as text[]))
        as i (incident_id, source, fingerprint, version, state, component, severity, origin,
              channel, reported_at, restored_at, occurrences, body)
), opened as (
    insert into incident (incident_id, source, fingerprint, version, state, component, severity,
                          origin, channel, reported_at, restored_at, occurrences)
    select incident_id, source, fingerprint, version, state, component, severity, origin, channel,
           reported_at, restored_at, occurrences
    from i
), kept as (
    insert into incident_snapshot (incident_id, body)
    select incident_id, cast(body as jsonb) from i
)
insert into failure as f (source, fingerprint, incident_id)
select * from unnest(cast(:failure_sources as text[]), cast(:failure_fingerprints as text[]),
                     cast(:with_ids as uuid[]))
on conflict (source, fingerprint) do update set incident_id = excluded.incident_id
where f.incident_id = any(cast(:before_ids as uuid[]))
"""

_UPDATE = """
with i as (
    select * from unnest(
        cast(:incident_ids as uuid[]), cast(:versions as integer[]), cast(:states as text[]),
        cast(:severities as text[]), cast(:origins as text[]), cast(:channels as text[]),
        cast(:reported as timestamptz[]), cast(:restored as timestamptz[]),
        cast(:occurrences as bigint[]), cast(:bodies as text[]))
        as i (incident_id, version, state, severity, origin, channel, reported_at, restored_at,
              occurrences, body)
), updated as (
    update incident
    set version = i.version, state = i.state, severity = i.severity, origin = i.origin,
        channel = i.channel, reported_at = i.reported_at, restored_at = i.restored_at,
        occurrences = i.occurrences
    from i where incident.incident_id = i.incident_id
)
update incident_snapshot s set body = cast(i.body as jsonb)
from i where s.incident_id = i.incident_id
"""

# Whoever holds incidents holds them in the order of their ids, so that nobody waits in a circle.
_HOLD = """
select from incident where incident_id = any(cast(:incident_ids as uuid[]))
order by incident_id for update
"""

_WHOLE = """
select incident_id, ceded, settled, occurrences, cast(s.body as text) as body
from incident join incident_snapshot s using (incident_id)
where incident_id = any(cast(:incident_ids as uuid[]))
"""

_FAILURES = "select source, fingerprint from failure where incident_id = :incident_id"

# Incidents that no failure is with any more, and the one that their own is with now.
_WENT_ON = """
select i.incident_id, f.incident_id as as_id
from incident i join failure f using (source, fingerprint)
where i.incident_id = any(cast(:incident_ids as uuid[])) and i.ceded > 0
  and not exists (select from failure o where o.incident_id = i.incident_id)
"""

_AS_OLD = """
update incident set stored_at = least(incident.stored_at, o.stored_at)
from incident o where incident.incident_id = :incident_id and o.incident_id = :other_id
"""

_SETTLE = """
update incident set settled = :settled where incident_id = any(cast(:incident_ids as uuid[]))
"""

# Takes over what diagnosis says; an older diagnosis never overwrites a newer one.
_ANNOTATE = """
update incident
set diagnosis_version = d.version, signature_id = d.signature_id, priority = d.priority,
    owner = d.owner
from unnest(cast(:incident_ids as uuid[]), cast(:versions as integer[]),
            cast(:signature_ids as text[]), cast(:priorities as smallint[]),
            cast(:owners as text[])) as d (incident_id, version, signature_id, priority, owner)
where incident.incident_id = d.incident_id and incident.diagnosis_version < d.version
"""

_ONE = """
select incident_id, signature_id, priority, owner, occurrences, cast(s.body as text) as body
from incident join incident_snapshot s using (incident_id)
where incident_id = :incident_id
"""


async def open_incidents(
    work: Work,
    incidents: Sequence[Incident],
    handed_on: Mapping[Failure, tuple[IncidentId, IncidentId | None]],
) -> None:
    """Keep new incidents, and note for failures which incident they are with, and were with.

    An incident that a failure was with is held. Raises SerializationError when another instance
    has opened one of these failures just now.
    """
    if not incidents and not handed_on:
        return
    before = [was_with for _, was_with in handed_on.values() if was_with is not None]
    if before:
        await run(work.conn, _CEDED, incident_ids=before)
    noted = await run(
        work.conn,
        _OPEN,
        **_columns(incidents),
        sources=[i.source for i in incidents],
        fingerprints=[i.fingerprint for i in incidents],
        components=[i.component for i in incidents],
        failure_sources=[source for source, _ in handed_on],
        failure_fingerprints=[fingerprint for _, fingerprint in handed_on],
        with_ids=[is_with for is_with, _ in handed_on.values()],
        before_ids=before,
    )
    if noted != len(handed_on):
        raise SerializationError("another instance opened the same failure at the same time")


async def update_incidents(work: Work, incidents: Sequence[Incident]) -> None:
    """Keep incidents, held before, as they are now."""
    if incidents:
        await run(work.conn, _UPDATE, **_columns(incidents))


def _columns(incidents: Sequence[Incident]) -> dict[str, list[Any]]:
    return {
        "incident_ids": [i.incident_id for i in incidents],
        "versions": [i.version for i in incidents],
        "states": [i.state.value for i in incidents],
        "severities": [i.severity.value for i in incidents],
        "origins": [i.origin.value for i in incidents],
        "channels": [i.channel.value if i.channel else None for i in incidents],
        "reported": [i.reported_at for i in incidents],
        "restored": [i.restored_at for i in incidents],
        "occurrences": [i.occurrences for i in incidents],
        "bodies": [i.model_dump_json() for i in incidents],
    }


@dataclass(frozen=True, slots=True)
class Held:
    """An incident whose row is held until the commit."""

    incident: Incident
    is_settled: bool
    ceded: int


async def hold(
    work: Work, incident_ids: Collection[IncidentId], *, beside: Collection[IncidentId] = ()
) -> dict[IncidentId, Held]:
    """Give incidents, held until the commit; those beside them are held and not read."""
    await _hold(work, {*incident_ids, *beside})
    if not incident_ids:
        return {}
    return {
        r["incident_id"]: Held(incident_of(r), r["settled"], r["ceded"])
        for r in await rows(work.conn, _WHOLE, incident_ids=list(incident_ids))
    }


async def _hold(work: Work, incident_ids: Collection[IncidentId]) -> None:
    if incident_ids:
        await rows(work.conn, _HOLD, incident_ids=list(incident_ids))


async def failures_with(work: Work, incident_id: IncidentId) -> list[Failure]:
    """Give the failures whose newest incident this is; it is held."""
    found = await rows(work.conn, _FAILURES, incident_id=incident_id)
    return [(r["source"], r["fingerprint"]) for r in found]


async def went_on_as(
    work: Work, incident_ids: Iterable[IncidentId]
) -> dict[IncidentId, IncidentId]:
    """Give, for those incidents whose failures all have newer ones by now, the one that goes on.

    They are held before.
    """
    found = await rows(work.conn, _WENT_ON, incident_ids=list(incident_ids))
    return {r["incident_id"]: r["as_id"] for r in found}


async def keep_as_old_as(work: Work, incident_id: IncidentId, other_id: IncidentId) -> None:
    """Note that an incident has signals that may be as old as those of another."""
    await run(work.conn, _AS_OLD, incident_id=incident_id, other_id=other_id)


async def mark_settled(work: Work, incident_ids: Sequence[IncidentId], *, settled: bool) -> None:
    """Note that a verified fix has settled incidents, or no longer has."""
    if incident_ids:
        await _hold(work, incident_ids)
        await run(work.conn, _SETTLE, incident_ids=list(incident_ids), settled=settled)


async def annotate(
    work: Work, annotations: Mapping[IncidentId, tuple[int, str, int, str | None]]
) -> None:
    """Take over what diagnosis says: version, signature, priority and owner of each incident."""
    await _hold(work, annotations.keys())
    await run(
        work.conn,
        _ANNOTATE,
        incident_ids=list(annotations),
        versions=[a[0] for a in annotations.values()],
        signature_ids=[a[1] for a in annotations.values()],
        priorities=[a[2] for a in annotations.values()],
        owners=[a[3] for a in annotations.values()],
    )


async def one_incident(conn: AsyncConnection, incident_id: UUID) -> Row | None:
    """Give an incident with what diagnosis says of it."""
    return await row(conn, _ONE, incident_id=incident_id)


def incident_of(found: Row) -> Incident:
    """Read the incident of a row."""
    incident = Incident.model_validate_json(found["body"])
    return incident.model_copy(update={"occurrences": found["occurrences"]})
