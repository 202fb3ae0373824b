"""What is counted over problems, fixes, workarounds and contracts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Money
from mejora_events.sql import Row, from_json, rows
from mejora_improvement.model.availability import Lost
from mejora_improvement.model.debt import LivingOnPatch
from mejora_improvement.model.durations import Spread
from mejora_improvement.model.money import summed
from mejora_improvement.model.overdue import OpenPromises, Promises
from mejora_improvement.model.period import Period, Slice
from mejora_improvement.model.shares import Tally
from mejora_improvement.store.incident_facts import spread
from mejora_improvement.store.slices import CHARGES, bound, bound_labour, of_signature_in_slice

# From the opening of a problem to the deployment of its fix, of fixes verified in the period.
_PERMANENT_FIXES = f"""
select count(*) filter (where took.seconds >= 0) as count,
       count(*) filter (where took.seconds < 0) as invalid,
       count(*) filter (where took.seconds is null) as unfinished,
       percentile_cont(array[0.5, 0.9]) within group (order by took.seconds)
           filter (where took.seconds >= 0) as quantiles
from measured_fix f
join measured_problem p using (problem_id)
cross join lateral (
    select cast(extract(epoch from f.deployed_at - p.opened_at) as double precision)
) as took (seconds)
where f.state = 'verified' and f.verified_at >= :start and f.verified_at < :end
  and {of_signature_in_slice("p")}
"""

# Of problems opened in the period, those that have a verified fix.
_FIXED_FOR_GOOD = f"""
select count(*) as opened,
       count(*) filter (where exists (
           select from measured_fix f where f.problem_id = p.problem_id and f.state = 'verified'
       )) as fixed
from measured_problem p
where p.opened_at >= :start and p.opened_at < :end and {of_signature_in_slice("p")}
"""

# Fixes whose verdict came in the period.
_FIX_VERDICTS = f"""
select count(*) filter (where f.state = 'verified') as verified, count(*) as judged
from measured_fix f
where (f.state = 'verified' and f.verified_at >= :start and f.verified_at < :end
       or f.state = 'regressed' and f.regressed_at >= :start and f.regressed_at < :end)
  and {of_signature_in_slice("f")}
"""

# Signatures that lived on a workaround at the end of the period; all their incidents until then,
# what came back since the first workaround that worked, what both cost, and the estimate of the
# newest fix that has not failed.
_LIVING = f"""
with living as (
    select w.signature_id, count(*) as open_workarounds, min(w.applied_at) as oldest_open_at
    from measured_workaround w
    where w.applied_at < :end and coalesce(w.retired_at, w.failed_at, 'infinity') >= :end
      and {of_signature_in_slice("w")}
    group by w.signature_id
),
fault as (
    select l.signature_id, i.incident_id, i.started_at, i.started_at > (
               select min(w.applied_at) from measured_workaround w
               where w.signature_id = l.signature_id
                 and (w.failed_at is null or w.failed_at >= :end)
           ) as came_back,
           i.lost_seconds > 0 and price.per_minute is null as unpriced
    from living l
    join incident_price price using (signature_id)
    join measured_incident i using (incident_id)
    where i.started_at < :end
),
course as (
    select signature_id, count(*) as incidents, min(started_at) as first_incident_at,
           count(*) filter (where came_back) as recurrences,
           count(*) filter (where unpriced) as unpriced,
           count(*) filter (where unpriced and came_back) as recurrences_unpriced
    from fault
    group by signature_id
),
paid as (
    select signature_id, currency, sum(amount) as cost,
           coalesce(sum(amount) filter (where came_back), 0) as interest
    from fault
    join {CHARGES} charge using (incident_id)
    group by signature_id, currency
)
select l.*, c.first_incident_at, coalesce(c.incidents, 0) as incidents,
       coalesce(c.recurrences, 0) as recurrences, coalesce(c.unpriced, 0) as unpriced,
       coalesce(c.recurrences_unpriced, 0) as recurrences_unpriced,
       (select json_agg(json_build_object('currency', p.currency, 'cost', cast(p.cost as text),
                                          'interest', cast(p.interest as text)))
        from paid p where p.signature_id = l.signature_id) as paid,
       estimate.estimated_cost, estimate.cost_currency
from living l
left join course c using (signature_id)
left join lateral (
    select f.estimated_cost, f.cost_currency
    from measured_fix f
    where f.signature_id = l.signature_id and f.estimated_cost is not null
      and f.state <> 'regressed' and f.planned_at < :end
    order by f.planned_at desc, f.fix_id desc
    limit 1
) as estimate on true
"""

# Promises that were open at the end of the period, and those of them past their date.
_PROMISES = f"""
select 'actions' as kind, count(*) as open, count(*) filter (where a.due_at < :end) as overdue
from measured_problem p
cross join lateral json_to_recordset(p.actions) as a (due_at timestamptz, done_at timestamptz)
where p.opened_at < :end and (a.done_at is null or a.done_at >= :end)
  and {of_signature_in_slice("p")}
union all
select 'workarounds', count(*), count(*) filter (where w.due_at < :end)
from measured_workaround w
where w.applied_at < :end and coalesce(w.retired_at, w.failed_at, 'infinity') >= :end
  and {of_signature_in_slice("w")}
union all
select 'fixes', count(*), count(*) filter (where f.due_at < :end)
from measured_fix f
where f.planned_at < :end and (f.deployed_at is null or f.deployed_at >= :end)
  and {of_signature_in_slice("f")}
"""

# For each process that a contract promises, each contract and each customer: the union of the
# outages within the period that affect it.
_LOST = """
with promised as (
    select c.customer, c.name as contract, process.name as process, c.availability_promised
    from contract c
    cross join lateral unnest(c.processes) as process (name)
    where not c.removed
      and (cast(:customer as text) is null or c.customer = :customer)
      and (cast(:process as text) is null or process.name = :process)
),
outage as (
    select process.name as process,
           tstzrange(greatest(i.started_at, :start), least(i.ended_at, :end)) as during
    from measured_incident i
    join measured_diagnosis d using (incident_id)
    cross join lateral unnest(d.processes) as process (name)
    where i.started_at < :end and (i.ended_at is null or i.ended_at > :start)
      and i.started_at < coalesce(i.ended_at, 'infinity')
      and (cast(:component as text) is null
           or i.component = :component or d.failure_point = :component)
      and (cast(:signature_id as text) is null or d.signature_id = :signature_id)
),
lost as (
    select customer, contract, process, availability_promised, range_agg(during) as during
    from promised
    left join outage using (process)
    group by grouping sets ((customer, contract, process, availability_promised),
                            (customer, contract, availability_promised), (customer))
)
select customer, contract, process, availability_promised, coalesce((
    select sum(extract(epoch from upper(part) - lower(part))) from unnest(during) as part
), 0) as lost_seconds
from lost
order by customer, contract nulls first, process nulls first
"""


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """What was counted over problems, fixes, workarounds and contracts."""

    spreads: Mapping[str, Spread]
    tallies: Mapping[str, Tally]
    living: Sequence[LivingOnPatch]
    promises: OpenPromises
    lost: Sequence[Lost]


async def count_problems(
    conn: AsyncConnection, period: Period, part: Slice, labour: Money | None
) -> ProblemFacts:
    """Count what the indicators over problems, promises and contracts need."""
    within = bound(period, part)
    fixed = (await rows(conn, _FIXED_FOR_GOOD, **within))[0]
    judged = (await rows(conn, _FIX_VERDICTS, **within))[0]
    return ProblemFacts(
        spreads={
            "time_to_permanent_fix": spread((await rows(conn, _PERMANENT_FIXES, **within))[0])
        },
        tallies={
            "fixed_for_good_share": Tally(fixed["fixed"], fixed["opened"]),
            "fix_success_share": Tally(judged["verified"], judged["judged"]),
        },
        living=await _living(conn, period, part, labour),
        promises=await _promises(conn, period, part),
        lost=await _lost(conn, period, part),
    )


async def _living(
    conn: AsyncConnection, period: Period, part: Slice, labour: Money | None
) -> Sequence[LivingOnPatch]:
    within = {**bound(period, part), **bound_labour(labour)}
    return [_patch(r) for r in await rows(conn, _LIVING, **within)]


def _patch(found: Row) -> LivingOnPatch:
    paid = from_json(found["paid"]) or ()
    estimate = found["estimated_cost"]

    def money(what: str) -> tuple[Money, ...]:
        return summed(Money(amount=p[what], currency=p["currency"]) for p in paid)

    return LivingOnPatch(
        signature_id=found["signature_id"],
        open_workarounds=found["open_workarounds"],
        oldest_open_at=found["oldest_open_at"],
        first_incident_at=found["first_incident_at"],
        incidents=found["incidents"],
        recurrences=found["recurrences"],
        cost=None if found["unpriced"] else money("cost"),
        interest=None if found["recurrences_unpriced"] else money("interest"),
        principal=None
        if estimate is None
        else Money(amount=estimate, currency=found["cost_currency"]),
    )


async def _promises(conn: AsyncConnection, period: Period, part: Slice) -> OpenPromises:
    counted = {
        r["kind"]: Promises(open=r["open"], overdue=r["overdue"])
        for r in await rows(conn, _PROMISES, **bound(period, part))
    }
    return OpenPromises(**counted)


async def _lost(conn: AsyncConnection, period: Period, part: Slice) -> Sequence[Lost]:
    return [
        Lost(
            customer=r["customer"],
            contract=r["contract"],
            process=r["process"],
            promised_share=r["availability_promised"],
            lost_seconds=float(r["lost_seconds"]),
        )
        for r in await rows(conn, _LOST, **bound(period, part))
    ]
