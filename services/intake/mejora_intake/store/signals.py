"""Messages that came, and what is known of the failures that they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from asyncpg import SerializationError, UniqueViolationError
from asyncpg.pgproto.pgproto import UUID as StoredUuid  # noqa: N811 (no constant)
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Channel, Origin, Severity
from mejora_events.contracts.incidents import IncidentState
from mejora_events.ids import IncidentId
from mejora_events.sql import Row, copy, rows
from mejora_events.store import Work
from mejora_intake.model import Disposition, Signal, passes_threshold
from mejora_intake.store.incidents import Failure

# What became of messages that came before, and what is known of the newest incidents of failures;
# for failures that none is open of, what is open on their component, as far as two: rows of three
# kinds, told apart by which columns they have.
_KNOWN = """
with delivered as (
    select delivery_id, disposition, rule, incident_id from delivery
    where delivery_id = any(cast(:delivery_ids as uuid[]))
), asked as (
    select * from unnest(cast(:sources as text[]), cast(:fingerprints as text[]),
                         cast(:components as text[])) as a (source, fingerprint, component)
), standing as (
    select i.incident_id as standing_id, a.source, a.fingerprint, i.version, i.state, i.severity,
           i.channel, i.restored_at, i.ceded
    from asked a
    join failure f using (source, fingerprint)
    join incident i on i.incident_id = f.incident_id
), met as (
    select a.component as met_on, i.incident_id as met_id, i.origin, i.reported_at
    from (select distinct a.component
          from asked a left join standing s using (source, fingerprint)
          where s.state is null or s.state in ('restored', 'closed')) a
    cross join lateral (
        select incident_id, origin, reported_at from incident
        where lower(component) = lower(a.component) and state in ('reported', 'acknowledged')
        limit 2) i
)
select * from delivered full join standing on false full join met on false
"""

_DELIVERY = ("delivery_id", "disposition", "rule", "incident_id")

_STATES = {state.value: state for state in IncidentState}
_SEVERITIES = {severity.value: severity for severity in Severity}
"""Looked up, since calling the enumeration takes three times as long."""

_SIGNAL = (
    "source",
    "signal_id",
    "fingerprint",
    "component",
    "summary",
    "state",
    "severity",
    "origin",
    "started_at",
    "ended_at",
    "received_at",
    "disposition",
    "rule",
    "incident_id",
    "body",
)

# Counts occurrences of incidents that are as they were when they were looked at.
_COUNT = """
update incident set occurrences = occurrences + n.more
from unnest(cast(:incident_ids as uuid[]), cast(:versions as integer[]),
            cast(:mores as integer[])) as n (incident_id, version, more)
where incident.incident_id = n.incident_id and incident.version = n.version
returning incident.incident_id, occurrences, n.more
"""


@dataclass(slots=True)
class Current:
    """What is known of the newest incident of a failure without reading all of it."""

    incident_id: IncidentId
    version: int
    state: IncidentState
    severity: Severity
    channel: Channel | None
    restored_at: datetime | None
    ceded: int
    """How often failures were handed on from it to another incident."""


@dataclass(frozen=True, slots=True)
class Met:
    """An open incident on a component."""

    incident_id: IncidentId
    origin: Origin
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of some messages and failures."""

    delivered: dict[UUID, Row]
    """What became of those messages that came before."""
    standing: dict[Failure, Current]
    """The newest incident of each failure that has one."""
    met: dict[str, list[Met]]
    """For failures that no incident is open of: what is open on their component, up to two."""


async def known(
    conn: AsyncConnection, delivery_ids: Sequence[UUID], failures: Mapping[Failure, str]
) -> Known:
    """Look some messages up, and the failures that they are about, each with its component."""
    found = await rows(
        conn,
        _KNOWN,
        delivery_ids=delivery_ids,
        sources=[source for source, _ in failures],
        fingerprints=[fingerprint for _, fingerprint in failures],
        components=list(failures.values()),
    )
    delivered: dict[UUID, Row] = {}
    standing: dict[Failure, Current] = {}
    met: dict[str, list[Met]] = {}
    for r in found:
        if (standing_id := r["standing_id"]) is not None:
            standing[r["source"], r["fingerprint"]] = Current(
                incident_id=standing_id,
                version=r["version"],
                state=_STATES[r["state"]],
                severity=_SEVERITIES[r["severity"]],
                channel=Channel(r["channel"]) if r["channel"] else None,
                restored_at=r["restored_at"],
                ceded=r["ceded"],
            )
        elif (delivery_id := r["delivery_id"]) is not None:
            delivered[delivery_id] = r
        else:
            one = Met(r["met_id"], Origin(r["origin"]), r["reported_at"])
            met.setdefault(r["met_on"], []).append(one)
    return Known(delivered, standing, met)


def delivery_id(signal: Signal, silence_id: UUID | None = None) -> UUID:
    """Name a message: the same for the same source and id.

    One that a silence suppresses has another name, by which it counts once for that silence: a
    monitor may well send the same message again when it is over, and then it counts.
    """
    named = signal.id if silence_id is None else f"{signal.id}\x00{silence_id}"
    return delivery_id_of(signal.source, named)


def delivery_id_of(source: str, signal_id: str) -> UUID:
    """Name the message of a source that has an id."""
    named = f"{source}\x00{signal_id}".encode("utf-8", "surrogatepass")
    name: UUID = StoredUuid(blake2b(named, digest_size=16).digest())  # a tenth of the time
    return name


class Kept(Struct, frozen=True):
    """A signal with what became of it."""

    delivery_id: UUID
    signal: Signal
    disposition: Disposition
    rule: str
    incident_id: IncidentId | None


async def keep_signals(work: Work, kept: Sequence[Kept]) -> None:
    """Keep signals with what became of them.

    Raises SerializationError when another instance has kept one of them just now.
    """
    try:
        await copy(
            work.conn,
            "delivery",
            _DELIVERY,
            [(k.delivery_id, k.disposition, k.rule, k.incident_id) for k in kept],
        )
    except UniqueViolationError as error:
        raise SerializationError("another instance took the same signal just now") from error
    await copy(work.conn, "signal", _SIGNAL, (_values_of(k, work.now) for k in kept))


def _values_of(kept: Kept, now: datetime) -> tuple[object, ...]:
    s = kept.signal
    return (
        s.source,
        s.id,
        s.fingerprint,
        s.component,
        s.summary,
        s.state,
        s.severity,
        s.origin,
        s.started_at,
        s.ended_at,
        s.received_at or now,
        kept.disposition,
        kept.rule,
        kept.incident_id,
        s.body.decode(),
    )


async def count(work: Work, counted: Sequence[tuple[Current, int]]) -> list[IncidentId]:
    """Add occurrences to incidents, held before; give those whose count has become worth telling.

    Raises SerializationError when another instance has changed one of the incidents just now.
    """
    if not counted:
        return []
    done = await rows(
        work.conn,
        _COUNT,
        incident_ids=[current.incident_id for current, _ in counted],
        versions=[current.version for current, _ in counted],
        mores=[more for _, more in counted],
    )
    if len(done) != len(counted):
        raise SerializationError("an incident was changed at the same time")
    return [
        r["incident_id"]
        for r in done
        if passes_threshold(r["occurrences"] - r["more"], r["occurrences"])
    ]
