"""Diagnoses: one an incident, as it stands now.

Bodies are asked for as text, which is read in half the time that a decoded one takes.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.cascade import Recheck, minute_of
from mejora_events.contracts.diagnoses import Diagnosis, ScopeKind
from mejora_events.ids import IncidentId
from mejora_events.sql import Row, as_json, row, rows, run

_ADD = """
insert into diagnosis (diagnosis_id, incident_id, signature_id, component, minute, severity,
                       failure_component, scope_kind, outcome, priority, owner, complete,
                       catalogue_version, body)
select d.diagnosis_id, d.incident_id, d.signature_id, d.component, d.minute, d.severity,
       d.failure_component, d.scope_kind, d.outcome, d.priority, d.owner, d.complete,
       :catalogue_version, cast(d.body as jsonb)
from unnest(cast(:diagnosis_ids as uuid[]), cast(:incident_ids as uuid[]),
            cast(:signature_ids as text[]), cast(:components as text[]),
            cast(:minutes as bigint[]), cast(:severities as text[]),
            cast(:failure_components as text[]), cast(:scope_kinds as text[]),
            cast(:outcomes as text[]), cast(:priorities as smallint[]),
            cast(:owners as text[]), cast(:complete as boolean[]), cast(:bodies as text[]))
     as d (diagnosis_id, incident_id, signature_id, component, minute, severity,
           failure_component, scope_kind, outcome, priority, owner, complete, body)
order by d.incident_id
on conflict (incident_id) do nothing
returning incident_id
"""

_UPDATE = """
update diagnosis as kept
set severity = d.severity, failure_component = d.failure_component, scope_kind = d.scope_kind,
    outcome = coalesce(nullif(d.outcome, ''), kept.outcome), priority = d.priority,
    owner = d.owner, complete = d.complete, body = cast(d.body as jsonb)
from unnest(cast(:incident_ids as uuid[]), cast(:severities as text[]),
            cast(:failure_components as text[]), cast(:scope_kinds as text[]),
            cast(:outcomes as text[]), cast(:priorities as smallint[]),
            cast(:owners as text[]), cast(:complete as boolean[]), cast(:bodies as text[]))
     as d (incident_id, severity, failure_component, scope_kind, outcome, priority, owner,
           complete, body)
where kept.incident_id = d.incident_id
"""

# The newest first: where a guard cuts, the oldest incidents keep what they were told.
_TO_RECHECK = """
select d.incident_id, d.component, d.minute, d.outcome, d.scope_kind
from diagnosis d
where exists (
    select from unnest(cast(:components as text[]), cast(:first as bigint[]),
                       cast(:last as bigint[])) as r (component, first, last)
    where d.component = r.component and d.minute between r.first and r.last
)
and d.minute between :earliest and :latest
order by d.minute desc
limit :most
"""

_HOLD = """
select cast(body as text) as body from diagnosis
where incident_id = any(cast(:incident_ids as uuid[]))
order by incident_id
for update
"""

# The newest first, as above.
_HOLD_BETWEEN = """
select cast(body as text) as body from diagnosis
where component = any(cast(:components as text[])) and minute between :first and :last
order by minute desc
limit :most
for update
"""

# Diagnoses of incidents whose severity is another by now.
_HOLD_REGRADED = """
select cast(d.body as text) as body, i.severity from diagnosis d join incident i using (incident_id)
where d.incident_id = any(cast(:incident_ids as uuid[])) and i.severity <> d.severity
order by d.incident_id
for update of d
"""

# What waits, at a component, for somebody to say who owns it.
_HOLD_UNOWNED = """
select cast(body as text) as body from diagnosis
where component = :component and owner = '' and not complete
order by minute desc
limit :most
for update
"""

_FIND = "select cast(body as text) as body from diagnosis where diagnosis_id = :diagnosis_id"

_LIST = """
select cast(body as text) as body from diagnosis
where (cast(:after as uuid) is null or diagnosis_id < :after)
  and (cast(:incident_id as uuid) is null or incident_id = :incident_id)
  and (cast(:signature_id as text) is null or signature_id = :signature_id)
  and (cast(:owner as text) is null or owner = :owner)
  and (cast(:complete as boolean) is null or complete = :complete)
order by diagnosis_id desc
limit :limit
"""

# What waits for answers: the most important first, of these the oldest.
_WAITING = """
select cast(d.body as text) as body from diagnosis d
where not d.complete
  and (cast(:owner as text) is null or d.owner = :owner)
  and (cast(:after as uuid) is null
       or (d.priority, d.diagnosis_id) > (cast(:after_priority as smallint), :after))
order by d.priority, d.diagnosis_id
limit :limit
"""

_OF_INCIDENTS = """
select cast(body as text) as body from diagnosis
where incident_id = any(cast(:incident_ids as uuid[]))
"""

_ANY = "select exists (select from diagnosis) as any"


@dataclass(frozen=True, slots=True)
class Placed:
    """What a diagnosis said of where it began and how much is hit."""

    incident_id: IncidentId
    component: str
    minute: int
    outcome: str
    scope_kind: ScopeKind


async def add(
    conn: AsyncConnection,
    diagnoses: Sequence[Diagnosis],
    outcomes: Sequence[str],
    catalogue_version: int,
) -> set[IncidentId]:
    """Keep new diagnoses, with their outcomes in short; give the incidents that had none before."""
    added = await rows(
        conn,
        _ADD,
        diagnosis_ids=[it.diagnosis_id for it in diagnoses],
        signature_ids=[it.signature.signature_id for it in diagnoses],
        components=[it.component for it in diagnoses],
        minutes=[minute_of(it.started_at) for it in diagnoses],
        catalogue_version=catalogue_version,
        **_columns(diagnoses, outcomes),
    )
    return {it["incident_id"] for it in added}


async def update(conn: AsyncConnection, diagnoses: Sequence[Diagnosis]) -> None:
    """Keep the next versions of diagnoses that are held; where it began stays as it was said."""
    await move(conn, diagnoses, [""] * len(diagnoses))


async def move(
    conn: AsyncConnection, diagnoses: Sequence[Diagnosis], outcomes: Sequence[str]
) -> None:
    """Keep the next versions of diagnoses that are held, with their new outcomes."""
    if diagnoses:
        await run(conn, _UPDATE, **_columns(diagnoses, outcomes))


def _columns(diagnoses: Sequence[Diagnosis], outcomes: Sequence[str]) -> dict[str, object]:
    return {
        "outcomes": list(outcomes),
        "incident_ids": [it.incident_id for it in diagnoses],
        "severities": [it.severity for it in diagnoses],
        "failure_components": [it.failure_point.component for it in diagnoses],
        "scope_kinds": [it.scope.kind for it in diagnoses],
        "priorities": [it.priority for it in diagnoses],
        "owners": [it.owner or "" for it in diagnoses],
        "complete": [it.completed_at is not None for it in diagnoses],
        "bodies": [as_json(it) for it in diagnoses],
    }


async def to_recheck(conn: AsyncConnection, rechecks: Sequence[Recheck], most: int) -> list[Placed]:
    """Find the diagnoses that must be looked at again, the newest first."""
    if not rechecks:
        return []
    found = await rows(
        conn,
        _TO_RECHECK,
        components=[it.component for it in rechecks],
        first=[it.first_minute for it in rechecks],
        last=[it.last_minute for it in rechecks],
        earliest=min(it.first_minute for it in rechecks),
        latest=max(it.last_minute for it in rechecks),
        most=most,
    )
    return [
        Placed(
            incident_id=it["incident_id"],
            component=it["component"],
            minute=it["minute"],
            outcome=it["outcome"],
            scope_kind=ScopeKind(it["scope_kind"]),
        )
        for it in found
    ]


async def hold(conn: AsyncConnection, incident_ids: Collection[IncidentId]) -> list[Diagnosis]:
    """Give diagnoses of incidents and keep others from changing them until the commit."""
    if not incident_ids:
        return []
    return [_read(it) for it in await rows(conn, _HOLD, incident_ids=list(incident_ids))]


async def hold_between(
    conn: AsyncConnection, components: Collection[str], first: int, last: int, most: int
) -> list[Diagnosis]:
    """Hold the newest diagnoses of what failed at some components from one minute to another."""
    found = await rows(
        conn, _HOLD_BETWEEN, components=list(components), first=first, last=last, most=most
    )
    return [_read(it) for it in found]


async def hold_unowned(conn: AsyncConnection, component: str, most: int) -> list[Diagnosis]:
    """Hold the newest diagnoses at a component that have no owner and wait for answers."""
    return [_read(it) for it in await rows(conn, _HOLD_UNOWNED, component=component, most=most)]


async def hold_regraded(
    conn: AsyncConnection, incident_ids: Iterable[IncidentId]
) -> list[tuple[Diagnosis, str]]:
    """Hold the diagnoses whose incident has another severity by now, with that severity."""
    found = await rows(conn, _HOLD_REGRADED, incident_ids=list(incident_ids))
    return [(_read(it), it["severity"]) for it in found]


async def find(conn: AsyncConnection, diagnosis_id: UUID) -> Diagnosis | None:
    """Give a diagnosis as it stands."""
    found = await row(conn, _FIND, diagnosis_id=diagnosis_id)
    return _read(found) if found else None


async def find_and_hold(conn: AsyncConnection, diagnosis_id: UUID) -> Diagnosis | None:
    """Give a diagnosis and keep others from changing it until the commit."""
    found = await row(conn, f"{_FIND} for update", diagnosis_id=diagnosis_id)
    return _read(found) if found else None


async def listed(
    conn: AsyncConnection,
    *,
    after: UUID | None,
    limit: int,
    incident_id: UUID | None = None,
    signature_id: str | None = None,
    owner: str | None = None,
    complete: bool | None = None,
) -> list[Diagnosis]:
    """List diagnoses, the newest first; with an empty owner those that have none."""
    found = await rows(
        conn,
        _LIST,
        after=after,
        limit=limit,
        incident_id=incident_id,
        signature_id=signature_id,
        owner=owner,
        complete=complete,
    )
    return [_read(it) for it in found]


async def waiting(
    conn: AsyncConnection, *, owner: str | None, after: tuple[int, UUID] | None, limit: int
) -> list[Diagnosis]:
    """List what waits for answers, the most important first, of these the oldest.

    `after` are the priority and id of the last that was shown.
    """
    priority, diagnosis_id = after or (None, None)
    found = await rows(
        conn, _WAITING, owner=owner, after=diagnosis_id, after_priority=priority, limit=limit
    )
    return [_read(it) for it in found]


async def of_incidents(
    conn: AsyncConnection, incident_ids: Collection[IncidentId]
) -> dict[IncidentId, Diagnosis]:
    """Give the diagnoses of incidents."""
    found = await rows(conn, _OF_INCIDENTS, incident_ids=list(incident_ids))
    return {it.incident_id: it for it in map(_read, found)}


async def any_made(conn: AsyncConnection) -> bool:
    """Tell whether anything was ever diagnosed."""
    found = await row(conn, _ANY)
    return found is not None and bool(found["any"])


def _read(found: Row) -> Diagnosis:
    return Diagnosis.model_validate_json(found["body"])
