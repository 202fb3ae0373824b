"""Incidents as the newest of their events says, and what failed in which minute."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.cascade import Failing, Found, News, merge_spans
from mejora_diagnosis.model.channel import restore_seconds
from mejora_events.contracts.base import Severity
from mejora_events.contracts.diagnoses import Signature
from mejora_events.contracts.incidents import Incident
from mejora_events.ids import IncidentId
from mejora_events.sql import row, rows, run

# The newest version wins, in whichever order they come.
_TAKE = """
insert into incident (incident_id, version, severity, component, signature_id, restored_at,
                      restore_seconds)
select *
from unnest(cast(:incident_ids as uuid[]), cast(:versions as integer[]),
            cast(:severities as text[]), cast(:components as text[]),
            cast(:signature_ids as text[]), cast(:restored_at as timestamptz[]),
            cast(:restore_seconds as double precision[])) as i (incident_id)
order by i.incident_id
on conflict (incident_id) do update
set version = excluded.version, severity = excluded.severity,
    restored_at = excluded.restored_at, restore_seconds = excluded.restore_seconds
where incident.version < excluded.version
"""

_STANDING = """
select i.incident_id, i.severity, i.component, i.signature_id,
       exists (select from diagnosis d where d.incident_id = i.incident_id) as diagnosed
from incident i
where i.incident_id = any(cast(:incident_ids as uuid[]))
"""

_RESTORED = "select restored_at from incident where incident_id = :incident_id"

# Notes what failed when; tells what is news, and when the same was last failing before that.
_NOTE_FAILING = """
with news as (
    insert into failing (component, minute, instance, site, kind, users, since, incident_id)
    select *
    from unnest(cast(:components as text[]), cast(:minutes as bigint[]),
                cast(:instances as text[]), cast(:sites as text[]), cast(:kinds as text[]),
                cast(:users as bigint[]), cast(:since as timestamptz[]),
                cast(:incident_ids as uuid[])) as f (component, minute, instance, site, kind)
    order by f.component, f.minute, f.instance, f.site, f.kind
    on conflict (component, minute, instance, site, kind) do update
    set users = greatest(excluded.users, failing.users),
        since = least(excluded.since, failing.since),
        incident_id = case
            when (excluded.since, excluded.incident_id) < (failing.since, failing.incident_id)
            then excluded.incident_id else failing.incident_id end
    where (excluded.since, excluded.incident_id) < (failing.since, failing.incident_id)
       or excluded.users > failing.users
    returning component, minute, instance, site, kind, users
)
select news.component, news.minute,
       (select max(f.minute) from failing f
        where f.component = news.component and f.kind = news.kind
          and f.minute >= news.minute - 2 * :window_minutes and f.minute < news.minute) as before,
       (select max(f.minute) from failing f
        where f.component = news.component and f.instance = news.instance
          and f.site = news.site and f.users >= news.users
          and f.minute >= news.minute - 2 * :window_minutes and f.minute < news.minute
       ) as instance_before
from news
"""

# What failed in some stretches of minutes: one row a minute, component and kind.
_FAILED = """
select f.minute, f.component, f.kind, min(f.since) as since,
       (array_agg(f.incident_id order by f.since, f.incident_id))[1] as incident_id,
       array_agg(distinct f.instance) filter (where f.instance <> '') as instances,
       array_agg(distinct f.site) filter (where f.site <> '') as sites,
       max(f.users) as users
from unnest(cast(:first as bigint[]), cast(:last as bigint[])) as s (first, last)
join failing f on f.minute between s.first and s.last
group by f.minute, f.component, f.kind
"""


@dataclass(frozen=True, slots=True)
class Named:
    """An incident with what diagnosis calls its component and its fault."""

    incident: Incident
    component: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class Standing:
    """What is settled of an incident, whichever of its events came first."""

    severity: Severity
    component: str
    signature_id: str
    diagnosed: bool

    def signature_of(self, text: str) -> Signature:
        """Give the signature that the incident has, as it is read from this text."""
        return Signature(signature_id=self.signature_id, template=text)


@dataclass(frozen=True, slots=True)
class FailedAt:
    """That an instance failed in one way in a minute, by its earliest incident there."""

    component: str
    minute: int
    instance: str
    site: str
    users: int
    kind: str
    since: datetime
    incident_id: IncidentId


async def take(conn: AsyncConnection, named: Iterable[Named]) -> None:
    """Take incidents over, where they are newer than what is known."""
    newest: dict[IncidentId, Named] = {}
    for it in named:
        known = newest.get(it.incident.incident_id)
        if known is None or known.incident.version < it.incident.version:
            newest[it.incident.incident_id] = it
    taken = list(newest.values())
    if not taken:
        return
    await run(
        conn,
        _TAKE,
        incident_ids=list(newest),
        versions=[it.incident.version for it in taken],
        severities=[it.incident.severity for it in taken],
        components=[it.component for it in taken],
        signature_ids=[it.signature.signature_id for it in taken],
        restored_at=[it.incident.restored_at for it in taken],
        restore_seconds=[restore_seconds(it.incident) for it in taken],
    )


async def standing(
    conn: AsyncConnection, incident_ids: Collection[IncidentId]
) -> dict[IncidentId, Standing]:
    """Tell what is settled of incidents that were taken over."""
    found = await rows(conn, _STANDING, incident_ids=list(incident_ids))
    return {
        it["incident_id"]: Standing(
            Severity(it["severity"]), it["component"], it["signature_id"], it["diagnosed"]
        )
        for it in found
    }


async def restored_at(conn: AsyncConnection, incident_id: IncidentId) -> datetime | None:
    """Tell since when an incident's service level is back, if it is."""
    found = await row(conn, _RESTORED, incident_id=incident_id)
    return found["restored_at"] if found else None


async def note_failing(
    conn: AsyncConnection, failed: Iterable[FailedAt], window_minutes: int
) -> list[News]:
    """Note what failed when, and tell what of it is news."""
    earliest: dict[tuple[str, int, str, str, str], FailedAt] = {}
    for it in sorted(failed, key=lambda it: (it.since, it.incident_id)):
        key = (it.component, it.minute, it.instance, it.site, it.kind)
        first = earliest.setdefault(key, it)
        if it.users > first.users:
            earliest[key] = replace(first, users=it.users)
    noted = list(earliest.values())
    if not noted:
        return []
    found = await rows(
        conn,
        _NOTE_FAILING,
        components=[it.component for it in noted],
        minutes=[it.minute for it in noted],
        instances=[it.instance for it in noted],
        sites=[it.site for it in noted],
        users=[it.users for it in noted],
        kinds=[it.kind for it in noted],
        since=[it.since for it in noted],
        incident_ids=[it.incident_id for it in noted],
        window_minutes=window_minutes,
    )
    return [
        News(it["component"], it["minute"], it["before"], it["instance_before"]) for it in found
    ]


async def near(
    conn: AsyncConnection, minutes: Collection[int], window_minutes: int
) -> dict[int, list[Failing]]:
    """Tell what failed near each of some minutes."""
    spans = merge_spans((it - window_minutes, it + window_minutes) for it in sorted(minutes))
    found: dict[int, list[Found]] = {}
    for it in await rows(
        conn, _FAILED, first=[first for first, _ in spans], last=[last for _, last in spans]
    ):
        found.setdefault(it["minute"], []).append(
            Found(
                component=it["component"],
                kind=it["kind"],
                since=it["since"],
                incident_id=it["incident_id"],
                instances=frozenset(it["instances"] or ()),
                sites=frozenset(it["sites"] or ()),
                users=it["users"],
            )
        )
    return {
        minute: Failing.gather(
            it
            for near in range(minute - window_minutes, minute + window_minutes + 1)
            for it in found.get(near, ())
        )
        for minute in minutes
    }
