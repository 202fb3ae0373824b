"""Intake's tables and queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import SerializationError
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.incidents import Incident
from mejora_events.ids import IncidentId, new_id
from mejora_events.sql import Row, row, rows, run
from mejora_events.store import Work
from mejora_intake.model import Recognition, Signal

Failure = tuple[str, str]
"""A source and a fingerprint: the same failure."""

# The newest incidents of some failures, held until the commit, in one order so that two
# instances that take signals of the same failures wait for each other instead of deadlocking.
_CURRENT = """
select cast(body as text) as body from incident
where is_current
  and (source, fingerprint) in
      (select * from unnest(cast(:sources as text[]), cast(:fingerprints as text[])))
order by incident_id
for update
"""

# What became of signals that came before.
_KNOWN_SIGNALS = """
select source, signal_id, disposition, rule, incident_id from signal
where (source, signal_id) in
      (select * from unnest(cast(:sources as text[]), cast(:signal_ids as text[])))
"""

_KEEP_SIGNALS = """
insert into signal (source, signal_id, fingerprint, state, severity, started_at, ended_at,
                    received_at, disposition, rule, incident_id, body)
select s.source, s.signal_id, s.fingerprint, s.state, s.severity, s.started_at, s.ended_at,
       s.received_at, s.disposition, s.rule, s.incident_id, cast(s.body as json)
from unnest(cast(:sources as text[]), cast(:signal_ids as text[]), cast(:fingerprints as text[]),
            cast(:states as text[]), cast(:severities as text[]),
            cast(:started as timestamptz[]), cast(:ended as timestamptz[]),
            cast(:received as timestamptz[]), cast(:dispositions as text[]),
            cast(:rules as text[]), cast(:incident_ids as uuid[]), cast(:bodies as text[]))
     as s (source, signal_id, fingerprint, state, severity, started_at, ended_at, received_at,
           disposition, rule, incident_id, body)
on conflict do nothing
"""

_SUCCEEDED = """
update incident set is_current = false where incident_id = any(cast(:incident_ids as uuid[]))
"""

# New incidents; one whose failure another instance has just opened is left out.
_OPEN = """
insert into incident (incident_id, source, fingerprint, is_current, state, component, severity,
                      reported_at, body)
select i.incident_id, i.source, i.fingerprint, i.is_current, i.state, i.component, i.severity,
       i.reported_at, cast(i.body as jsonb)
from unnest(cast(:incident_ids as uuid[]), cast(:sources as text[]),
            cast(:fingerprints as text[]), cast(:states as text[]), cast(:components as text[]),
            cast(:severities as text[]), cast(:reported as timestamptz[]),
            cast(:currents as boolean[]), cast(:bodies as text[]))
     as i (incident_id, source, fingerprint, state, component, severity, reported_at, is_current,
           body)
on conflict (source, fingerprint) where is_current do nothing
"""

_UPDATE = """
update incident
set state = i.state, severity = i.severity, body = cast(i.body as jsonb)
from unnest(cast(:incident_ids as uuid[]), cast(:states as text[]), cast(:severities as text[]),
            cast(:bodies as text[])) as i (incident_id, state, severity, body)
where incident.incident_id = i.incident_id
"""

_NOTE = """
insert into timeline (entry_id, incident_id, at, recorded_at, what, actor, note)
select t.entry_id, t.incident_id, t.at, :recorded_at, t.what, t.actor, t.note
from unnest(cast(:entry_ids as uuid[]), cast(:incident_ids as uuid[]),
            cast(:ats as timestamptz[]), cast(:whats as text[]), cast(:actors as text[]),
            cast(:notes as text[])) as t (entry_id, incident_id, at, what, actor, note)
"""

_LOCK = """
select incident_id, settled, cast(body as text) as body from incident
where incident_id = any(cast(:incident_ids as uuid[])) order by incident_id for update
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

_LIST = """
select incident_id, signature_id, priority, owner, cast(body as text) as body from incident
where (cast(:after as uuid) is null or incident_id < :after)
  and (cast(:state as text) is null or state = :state)
  and (cast(:component as text) is null or component = :component)
  and (cast(:priority as smallint) is null or priority = :priority)
order by incident_id desc limit :limit
"""

_ONE = """
select incident_id, signature_id, priority, owner, cast(body as text) as body from incident
where incident_id = :incident_id
"""

_TIMELINE = """
select at, recorded_at, what, actor, note from timeline
where incident_id = :incident_id order by at, entry_id
"""


@dataclass(frozen=True, slots=True)
class Note:
    """An entry of an incident's timeline."""

    incident_id: IncidentId
    at: datetime
    what: str
    actor: str
    note: str = ""


async def hold_current(conn: AsyncConnection, failures: set[Failure]) -> dict[Failure, Incident]:
    """Give the newest incident of each failure that has one, held until the commit."""
    found = await rows(
        conn,
        _CURRENT,
        sources=[source for source, _ in failures],
        fingerprints=[fingerprint for _, fingerprint in failures],
    )
    incidents = (Incident.model_validate_json(r["body"]) for r in found)
    return {(incident.source, incident.fingerprint): incident for incident in incidents}


async def known_signals(
    conn: AsyncConnection, signals: Sequence[Signal]
) -> dict[tuple[str, str], Row]:
    """Tell what became of those of the signals that came before, by source and id."""
    found = await rows(
        conn,
        _KNOWN_SIGNALS,
        sources=[signal.source for signal in signals],
        signal_ids=[signal.id for signal in signals],
    )
    return {(r["source"], r["signal_id"]): r for r in found}


async def keep_signals(
    work: Work, recognised: Sequence[tuple[Signal, Recognition, UUID | None]]
) -> None:
    """Keep signals with what became of them.

    Raises SerializationError when another instance has kept one of them just now.
    """
    kept = await run(
        work.conn,
        _KEEP_SIGNALS,
        sources=[s.source for s, _, _ in recognised],
        signal_ids=[s.id for s, _, _ in recognised],
        fingerprints=[s.fingerprint for s, _, _ in recognised],
        states=[s.state.value for s, _, _ in recognised],
        severities=[s.severity.value for s, _, _ in recognised],
        started=[s.started_at for s, _, _ in recognised],
        ended=[s.ended_at for s, _, _ in recognised],
        received=[s.received_at or work.now for s, _, _ in recognised],
        dispositions=[r.disposition.value for _, r, _ in recognised],
        rules=[r.rule for _, r, _ in recognised],
        incident_ids=[incident_id for _, _, incident_id in recognised],
        bodies=[s.body.decode() for s, _, _ in recognised],
    )
    if kept != len(recognised):
        raise SerializationError("another instance took the same signal at the same time")


async def open_incidents(work: Work, incidents: Sequence[Incident]) -> None:
    """Keep new incidents.

    Raises SerializationError when another instance has opened one of these failures just now.
    """
    if not incidents:
        return
    succeeded = {i.predecessor_id for i in incidents if i.predecessor_id}
    if succeeded:
        await run(work.conn, _SUCCEEDED, incident_ids=list(succeeded))
    opened = await run(
        work.conn,
        _OPEN,
        incident_ids=[i.incident_id for i in incidents],
        sources=[i.source for i in incidents],
        fingerprints=[i.fingerprint for i in incidents],
        states=[i.state.value for i in incidents],
        components=[i.component for i in incidents],
        severities=[i.severity.value for i in incidents],
        reported=[i.reported_at for i in incidents],
        currents=[i.incident_id not in succeeded for i in incidents],
        bodies=[i.model_dump_json() for i in incidents],
    )
    if opened != len(incidents):
        raise SerializationError("another instance opened the same failure at the same time")


async def update_incidents(work: Work, incidents: Sequence[Incident]) -> None:
    """Keep incidents, held before, as they are now."""
    if incidents:
        await run(
            work.conn,
            _UPDATE,
            incident_ids=[i.incident_id for i in incidents],
            states=[i.state.value for i in incidents],
            severities=[i.severity.value for i in incidents],
            bodies=[i.model_dump_json() for i in incidents],
        )


async def note(work: Work, notes: Sequence[Note]) -> None:
    """Add entries to timelines."""
    if notes:
        await run(
            work.conn,
            _NOTE,
            recorded_at=work.now,
            entry_ids=[new_id() for _ in notes],
            incident_ids=[n.incident_id for n in notes],
            ats=[n.at for n in notes],
            whats=[n.what for n in notes],
            actors=[n.actor for n in notes],
            notes=[n.note for n in notes],
        )


async def hold(
    work: Work, incident_ids: Iterable[IncidentId]
) -> dict[IncidentId, tuple[Incident, bool]]:
    """Give incidents, and whether each is settled, held until the commit."""
    found = await rows(work.conn, _LOCK, incident_ids=list(incident_ids))
    return {
        r["incident_id"]: (Incident.model_validate_json(r["body"]), r["settled"]) for r in found
    }


async def mark_settled(work: Work, incident_ids: Sequence[IncidentId], *, settled: bool) -> None:
    """Note that a verified fix has settled incidents, or no longer has."""
    if incident_ids:
        await run(work.conn, _SETTLE, incident_ids=list(incident_ids), settled=settled)


async def annotate(
    work: Work, annotations: Mapping[IncidentId, tuple[int, str, int, str | None]]
) -> None:
    """Take over what diagnosis says: version, signature, priority and owner of each incident."""
    await run(
        work.conn,
        _ANNOTATE,
        incident_ids=list(annotations),
        versions=[a[0] for a in annotations.values()],
        signature_ids=[a[1] for a in annotations.values()],
        priorities=[a[2] for a in annotations.values()],
        owners=[a[3] for a in annotations.values()],
    )


async def list_incidents(
    conn: AsyncConnection,
    *,
    after: UUID | None,
    limit: int,
    state: str | None = None,
    component: str | None = None,
    priority: int | None = None,
) -> Sequence[Row]:
    """Give incidents with what diagnosis says of them, newest first."""
    return await rows(
        conn,
        _LIST,
        after=after,
        limit=limit,
        state=state,
        component=component,
        priority=priority,
    )


async def one_incident(conn: AsyncConnection, incident_id: UUID) -> Row | None:
    """Give an incident with what diagnosis says of it."""
    return await row(conn, _ONE, incident_id=incident_id)


async def timeline(conn: AsyncConnection, incident_id: UUID) -> Sequence[Row]:
    """Give all that happened to an incident, in the order in which it happened."""
    return await rows(conn, _TIMELINE, incident_id=incident_id)


def incident_of(found: Row) -> Incident:
    """Read the incident of a row."""
    return Incident.model_validate_json(found["body"])
