"""What turned out to be true of incidents, whoever says so."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.model.grading import Teller, Truth
from mejora_events.contracts.diagnoses import Diagnosis, ScopeKind
from mejora_events.ids import IncidentId
from mejora_events.sql import rows, run

# What each of the tellers says of incidents. A cause or fix speaks of what came before it.
_TRUTHS = f"""
with asked as (
    select *
    from unnest(cast(:incident_ids as uuid[]), cast(:signature_ids as text[]),
                cast(:reported_at as timestamptz[]))
         as a (incident_id, signature_id, reported_at)
)
select a.incident_id, {Teller.PERSON:d} as teller, t.told_by || ' said so' as because,
       t.told_at as at, t.failure_point, t.scope, t.same_fault
from asked a join told_truth t using (incident_id)
union all
select a.incident_id, {Teller.REGROUPING:d},
       case when r.merged then 'it was merged into ' else 'it was split off ' end || r.other_id,
       r.regrouped_at, null, null, (other.signature_id = a.signature_id) = r.merged
from asked a
join regrouping r using (incident_id)
join incident other on other.incident_id = r.other_id
where r.merged or other.signature_id = a.signature_id
union all
select a.incident_id, {Teller.ROOT_CAUSE:d}, 'the root cause of problem ' || p.problem_id,
       p.cause_established_at, p.true_failure_point, p.true_scope, true
from asked a
join problem p using (signature_id)
where p.cause_established_at >= a.reported_at
union all
select a.incident_id, {Teller.FIX:d}, f.carried_by || ' was made there and verified',
       f.verified_at, f.component, null, true
from asked a
join fix f using (signature_id)
where f.state = 'verified' and f.verified_at >= a.reported_at
"""

_TELL = """
insert into told_truth (incident_id, failure_point, scope, same_fault, told_by, told_at)
values (:incident_id, :failure_point, :scope, :same_fault, :told_by, :told_at)
on conflict (incident_id) do update
set failure_point = coalesce(excluded.failure_point, told_truth.failure_point),
    scope = coalesce(excluded.scope, told_truth.scope),
    same_fault = coalesce(excluded.same_fault, told_truth.same_fault),
    told_by = excluded.told_by, told_at = excluded.told_at
"""

# Notes merges and splits; tells which of them were not known.
_REGROUP = """
insert into regrouping (incident_id, other_id, merged, regrouped_at)
select *
from unnest(cast(:incident_ids as uuid[]), cast(:other_ids as uuid[]),
            cast(:merged as boolean[]), cast(:at as timestamptz[])) as r (incident_id)
order by r.incident_id
on conflict (incident_id, merged) do nothing
returning incident_id
"""

_REGROUPED_WITH = """
select incident_id from regrouping where other_id = any(cast(:incident_ids as uuid[]))
"""

# The newest diagnoses of faults: where a guard cuts, the oldest stay as they are.
_HOLD_OF_FAULTS = """
select cast(body as text) as body from diagnosis
where signature_id = any(cast(:signature_ids as text[]))
order by diagnosis_id desc
limit :most
for update
"""


@dataclass(frozen=True, slots=True)
class Regrouped:
    """That an incident was merged into another one, or split off it."""

    incident_id: IncidentId
    other_id: IncidentId
    merged: bool
    at: datetime


async def truths_of(
    conn: AsyncConnection, diagnoses: Iterable[Diagnosis]
) -> Mapping[IncidentId, Sequence[Truth]]:
    """Look up what is known to be true of the incidents of diagnoses."""
    asked = list(diagnoses)
    found: dict[IncidentId, list[Truth]] = {}
    for it in await rows(
        conn,
        _TRUTHS,
        incident_ids=[it.incident_id for it in asked],
        signature_ids=[it.signature.signature_id for it in asked],
        reported_at=[it.reported_at for it in asked],
    ):
        truth = Truth(
            teller=Teller(it["teller"]),
            because=it["because"],
            at=it["at"],
            failure_point=it["failure_point"],
            scope=ScopeKind(it["scope"]) if it["scope"] else None,
            same_fault=it["same_fault"],
        )
        found.setdefault(it["incident_id"], []).append(truth)
    return found


async def tell(conn: AsyncConnection, incident_id: IncidentId, told: Truth, told_by: str) -> None:
    """Keep what a person says; what it does not speak of stays as it was said before."""
    await run(
        conn,
        _TELL,
        incident_id=incident_id,
        failure_point=told.failure_point,
        scope=told.scope,
        same_fault=told.same_fault,
        told_by=told_by,
        told_at=told.at,
    )


async def regroup(conn: AsyncConnection, regrouped: Sequence[Regrouped]) -> set[IncidentId]:
    """Note merges and splits; give the incidents of which that was not known."""
    if not regrouped:
        return set()
    noted = await rows(
        conn,
        _REGROUP,
        incident_ids=[it.incident_id for it in regrouped],
        other_ids=[it.other_id for it in regrouped],
        merged=[it.merged for it in regrouped],
        at=[it.at for it in regrouped],
    )
    return {it["incident_id"] for it in noted}


async def regrouped_with(
    conn: AsyncConnection, incident_ids: Collection[IncidentId]
) -> set[IncidentId]:
    """Name the incidents that were merged into these, or split off them."""
    found = await rows(conn, _REGROUPED_WITH, incident_ids=list(incident_ids))
    return {it["incident_id"] for it in found}


async def hold_of_faults(
    conn: AsyncConnection, signature_ids: Collection[str], most: int
) -> list[Diagnosis]:
    """Hold the newest diagnoses of faults."""
    found = await rows(conn, _HOLD_OF_FAULTS, signature_ids=list(signature_ids), most=most)
    return [Diagnosis.model_validate_json(it["body"]) for it in found]
