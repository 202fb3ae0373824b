"""Finding incidents, and the signals of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Severity
from mejora_events.contracts.incidents import IncidentState
from mejora_events.sql import Row, rows, run
from mejora_intake.noticing import customer_named


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents are looked for: all that is given holds of them."""

    states: Sequence[IncidentState] = ()
    """Any of these."""
    component: str | None = None
    priority: int | None = None
    owner: str | None = None
    severity: Severity | None = None
    source: str | None = None
    customer: str | None = None
    text: str | None = None
    """Words, as one gives them to a search engine: `"in a row"`, `or`, `-not`."""
    reported_from: datetime | None = None
    reported_before: datetime | None = None
    by_customer: bool | None = None
    """Whether a customer noticed first."""


# What each wish asks of an incident. Each has an index, by which the newest are found first.
_CONDITIONS: Mapping[str, str] = {
    "after": "incident.incident_id < cast(:after as uuid)",
    "reported_after": "(reported_at, incident.incident_id) < ((select o.reported_at from incident o"
    " where o.incident_id = cast(:reported_after as uuid)), cast(:reported_after as uuid))",
    "state": "state = :state",
    "states": "state = any(cast(:states as text[]))",
    "component": "component = :component",
    "priority": "priority = cast(:priority as smallint)",
    "owner": "owner = :owner",
    "severity": "severity = :severity",
    "source": "source = :source",
    "customer": "incident.incident_id in"
    " (select c.incident_id from incident_customer c where c.customer = :customer)",
    "text": "s.words @@ websearch_to_tsquery('simple', :text)",
    "reported_from": "reported_at >= cast(:reported_from as timestamptz)",
    "reported_before": "reported_at < cast(:reported_before as timestamptz)",
    "by_customer": "origin = 'customer'",
    "by_monitor": "origin = 'internal'",
}

_FOUND = """
select incident_id, signature_id, priority, owner, occurrences, cast(s.body as text) as body
from incident join incident_snapshot s using (incident_id)
{where}
order by {order} limit :limit
"""

# The newest come first by when they came here; where a time is asked for, by when they were
# reported, so that the index has them in their order from that time on.
_AS_THEY_CAME = "incident_id desc"
_AS_REPORTED = "reported_at desc, incident_id desc"

# The newest first; of those that came in the same moment, in the order of a hash of their names.
_SIGNALS = """
select source, signal_id, fingerprint, component, summary, state, severity, origin, started_at,
       ended_at, received_at, disposition, rule, cast(body as text) as body,
       hashtextextended(source || ' ' || signal_id, 0) as place
from signal
where incident_id = :incident_id {following}
order by received_at desc, place desc limit :limit
"""

# Most incidents have few signals, so the planner would sort them all; of a storm that is slow, and
# the index has them in their order. What came in the same moment is still sorted.
_AS_THE_INDEX_HAS_THEM = "set local enable_sort = off"

_FOLLOWING = """
  and received_at <= :received_at
  and (received_at < :received_at or hashtextextended(source || ' ' || signal_id, 0) < :place)
"""


def statement(wanted: Wanted, *, after: UUID | None, limit: int) -> tuple[str, Mapping[str, Any]]:
    """Give the query for what is wanted, with only the conditions that were asked for."""
    by_time = wanted.reported_from is not None or wanted.reported_before is not None
    asked: dict[str, Any] = {
        "after": None if by_time else after,
        "reported_after": after if by_time else None,
        "state": wanted.states[0].value if len(wanted.states) == 1 else None,
        "states": [one.value for one in wanted.states] if len(wanted.states) > 1 else None,
        "component": wanted.component,
        "priority": wanted.priority,
        "owner": wanted.owner,
        "severity": wanted.severity.value if wanted.severity else None,
        "source": wanted.source,
        "customer": customer_named(wanted.customer) if wanted.customer else None,
        "text": wanted.text,
        "reported_from": wanted.reported_from,
        "reported_before": wanted.reported_before,
        "by_customer": wanted.by_customer or None,
        "by_monitor": wanted.by_customer is False or None,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    where = " and ".join(_CONDITIONS[name] for name in given)
    values = {name: value for name, value in given.items() if f":{name}" in _CONDITIONS[name]}
    order = _AS_REPORTED if by_time else _AS_THEY_CAME
    sql = _FOUND.format(where=f"where {where}" if where else "", order=order)
    return sql, {**values, "limit": limit}


async def search(
    conn: AsyncConnection, wanted: Wanted, *, after: UUID | None, limit: int
) -> Sequence[Row]:
    """Give incidents with what diagnosis says of them, newest first."""
    sql, values = statement(wanted, after=after, limit=limit)
    return await rows(conn, sql, **values)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signal is in the order of an incident's signals."""

    received_at: datetime
    place: int


async def signals_of(
    conn: AsyncConnection, incident_id: UUID, *, after: Place | None, limit: int
) -> Sequence[Row]:
    """Give the signals of an incident, newest first."""
    sql = _SIGNALS.format(following=_FOLLOWING if after else "")
    behind = {"received_at": after.received_at, "place": after.place} if after else {}
    await run(conn, _AS_THE_INDEX_HAS_THEM)
    return await rows(conn, sql, incident_id=incident_id, limit=limit, **behind)
