"""What is known from before, for many incidents at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.cascade import minute_of
from mejora_diagnosis.model.channel import Restorations, TriedWorkaround
from mejora_diagnosis.model.history import KnownFix, KnownProblem
from mejora_diagnosis.model.likeness import terms_of
from mejora_diagnosis.store import likeness
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import SimilarProblem
from mejora_events.contracts.fixes import FixState
from mejora_events.ids import IncidentId
from mejora_events.sql import Row, from_json, rows

MOST_CASES = 500
"""How many of the most recent cases are looked at, so that work does not grow with the years."""

# Counts incidents of each fault; tells how many there are now.
_COUNT = """
insert into signature (signature_id, template, incidents)
select *
from unnest(cast(:signature_ids as text[]), cast(:templates as text[]), cast(:counts as bigint[]))
     as s (signature_id)
order by s.signature_id
on conflict (signature_id) do update set incidents = signature.incidents + excluded.incidents
returning signature_id, incidents
"""

# How long restoring took, over the most recent cases that had ended by a minute.
_RESTORATIONS = """
select a.name, a.minute, count(r.restore_seconds) as cases,
       percentile_cont(0.5) within group (order by r.restore_seconds) as median_seconds,
       percentile_cont(0.9) within group (order by r.restore_seconds) as p90_seconds
from unnest(cast(:names as text[]), cast(:minutes as bigint[])) as a (name, minute)
cross join lateral (
    select restore_seconds from incident
    where {column} = a.name and restore_seconds is not null
      and restored_at < to_timestamp((a.minute + 1) * 60.0)
    order by restored_at desc
    limit :most
) as r
group by a.name, a.minute
"""
_OF_SIGNATURE = _RESTORATIONS.format(column="signature_id")
_OF_COMPONENT = _RESTORATIONS.format(column="component")

# How often each workaround of a fault was tried, and how often it worked.
_TRIED = """
select s.signature_id,
       (array_agg(w.description order by w.workaround_id desc))[1] as description,
       (array_agg(w.workaround_id order by w.workaround_id desc))[1] as workaround_id,
       count(*) as tried, count(*) filter (where w.state <> 'failed') as worked
from unnest(cast(:signature_ids as text[])) as s (signature_id)
cross join lateral (
    select workaround_id, description, state from workaround
    where signature_id = s.signature_id
    order by workaround_id desc
    limit :most
) as w
group by s.signature_id, lower(btrim(w.description))
"""

# The problem of each fault: one that is not resolved before one that is, then the newest.
_PROBLEMS = """
select distinct on (signature_id) signature_id, problem_id, title, cause
from problem where signature_id = any(cast(:signature_ids as text[]))
order by signature_id, (state = 'resolved'), problem_id desc
"""

_FIXES = """
select distinct on (signature_id) signature_id, carried_by, state, deployed_at
from fix where signature_id = any(cast(:signature_ids as text[]))
order by signature_id, fix_id desc
"""

# What was changed shortly before each of some minutes, the newest first.
_CHANGES = """
select m.minute, c.body
from unnest(cast(:minutes as bigint[])) as m (minute)
cross join lateral (
    select body, changed_at from change
    where changed_at < to_timestamp((m.minute + 1) * 60.0)
      and changed_at >= to_timestamp(m.minute * 60.0) - make_interval(secs => :within_seconds)
    order by changed_at desc
    limit :most
) as c
order by m.minute, c.changed_at desc
"""
_MOST_CHANGES = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """An incident whose history is asked for."""

    incident_id: IncidentId
    signature_id: str
    template: str
    component: str
    started_at: datetime
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known from before of many faults, components and minutes."""

    of_signature: Mapping[tuple[str, int], Restorations]
    of_component: Mapping[tuple[str, int], Restorations]
    tried: Mapping[str, tuple[TriedWorkaround, ...]]
    problems: Mapping[str, KnownProblem]
    similar: Mapping[str, tuple[SimilarProblem, ...]]
    fixes: Mapping[str, KnownFix]
    changes: Mapping[int, Sequence[ChangeRecorded]]


async def count(
    conn: AsyncConnection, counts: Mapping[str, int], templates: Mapping[str, str]
) -> dict[str, int]:
    """Count new incidents of each fault; give how many there are now."""
    found = await rows(
        conn,
        _COUNT,
        signature_ids=list(counts),
        templates=[templates[signature_id] for signature_id in counts],
        counts=list(counts.values()),
    )
    return {it["signature_id"]: it["incidents"] for it in found}


async def known(conn: AsyncConnection, asked: Sequence[Asked], within_seconds: float) -> Known:
    """Look up what is known from before; the number of queries does not depend on how many ask."""
    signature_ids = sorted({it.signature_id for it in asked})
    by_signature = {(it.signature_id, minute_of(it.reported_at)) for it in asked}
    by_component = {(it.component, minute_of(it.reported_at)) for it in asked}
    minutes = sorted({minute_of(it.started_at) for it in asked})
    problems = {
        it["signature_id"]: KnownProblem(it["problem_id"], it["title"], it["cause"])
        for it in await rows(conn, _PROBLEMS, signature_ids=signature_ids)
    }
    return Known(
        of_signature=await _restorations(conn, _OF_SIGNATURE, by_signature),
        of_component=await _restorations(conn, _OF_COMPONENT, by_component),
        tried=_tried(await rows(conn, _TRIED, signature_ids=signature_ids, most=MOST_CASES)),
        problems=problems,
        similar=await likeness.similar(conn, _unexplained(asked, problems)),
        fixes={
            it["signature_id"]: KnownFix(it["carried_by"], FixState(it["state"]), it["deployed_at"])
            for it in await rows(conn, _FIXES, signature_ids=signature_ids)
        },
        changes=await changes_before(conn, minutes, within_seconds),
    )


def _unexplained(
    asked: Iterable[Asked], problems: Mapping[str, KnownProblem]
) -> dict[str, tuple[str, ...]]:
    """Give the terms of those faults whose cause is not known."""
    return {
        it.signature_id: terms_of(it.template, it.component)
        for it in asked
        if it.signature_id not in problems or problems[it.signature_id].cause is None
    }


async def _restorations(
    conn: AsyncConnection, sql: str, asked: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], Restorations]:
    listed = sorted(asked)
    found = await rows(
        conn,
        sql,
        names=[name for name, _ in listed],
        minutes=[minute for _, minute in listed],
        most=MOST_CASES,
    )
    return {
        (it["name"], it["minute"]): Restorations(
            it["cases"], it["median_seconds"], it["p90_seconds"]
        )
        for it in found
    }


def _tried(found: Iterable[Row]) -> dict[str, tuple[TriedWorkaround, ...]]:
    tried: dict[str, tuple[TriedWorkaround, ...]] = {}
    for it in found:
        one = TriedWorkaround(it["description"], it["workaround_id"], it["tried"], it["worked"])
        tried[it["signature_id"]] = (*tried.get(it["signature_id"], ()), one)
    return tried


async def changes_before(
    conn: AsyncConnection, minutes: Sequence[int], within_seconds: float
) -> dict[int, list[ChangeRecorded]]:
    """Give what was changed shortly before each of some minutes, the newest first."""
    found = await rows(
        conn, _CHANGES, minutes=list(minutes), within_seconds=within_seconds, most=_MOST_CHANGES
    )
    bodies: dict[int, list[Any]] = {}
    for it in found:
        bodies.setdefault(it["minute"], []).append(
            ChangeRecorded.model_validate(from_json(it["body"]))
        )
    return bodies
