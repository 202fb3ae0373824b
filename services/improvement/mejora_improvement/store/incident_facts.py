"""What is counted over the incidents that ended in a period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Money, Origin
from mejora_events.sql import Row, rows
from mejora_improvement.model.costs import Charge, CostPart, Noticed
from mejora_improvement.model.durations import Spread
from mejora_improvement.model.period import Period, Slice
from mejora_improvement.model.shares import Tally
from mejora_improvement.store.slices import (
    CHARGES,
    ENDED,
    INCIDENT_IN_SLICE,
    bound,
    bound_labour,
)

# How long things took: the cases that count, those that end before they start, those without end.
# percentile_cont interpolates linearly between the order statistics (type 7).
_SPREADS = f"""
with {ENDED}
select span.name,
       count(*) filter (where took.seconds >= 0) as count,
       count(*) filter (where took.seconds < 0) as invalid,
       count(*) filter (where took.seconds is null) as unfinished,
       percentile_cont(array[0.5, 0.9]) within group (order by took.seconds)
           filter (where took.seconds >= 0) as quantiles
from ended
cross join lateral (values
    ('time_to_detect', started_at, reported_at),
    ('time_to_acknowledge', reported_at, acknowledged_at),
    ('time_to_diagnose', reported_at, completed_at),
    ('time_to_restore', started_at, restored_at)
) as span (name, began, ended)
cross join lateral (
    select cast(extract(epoch from span.ended - span.began) as double precision)
) as took (seconds)
group by span.name
"""

# Whether an incident's signature was seen in the 90 days before it was reported.
SEEN_BEFORE = """
exists (
    select from measured_diagnosis earlier
    where earlier.signature_id = ended.signature_id
      and earlier.reported_at < ended.diagnosed_report_at
      and earlier.reported_at >= ended.diagnosed_report_at - interval '90 days'
)
"""

# How many of the incidents that ended are what the shares count.
_TALLIES = f"""
with {ENDED}
select count(*) as incidents,
       count(*) filter (where origin = 'internal') as internal,
       count(*) filter (where restored_at is not null) as restored,
       count(*) filter (where restored_at is not null and channel = 'alternate') as alternate,
       count(signature_id) as signed,
       count(*) filter (where {SEEN_BEFORE}) as recurred,
       count(first_known_error) as first_diagnosed,
       count(*) filter (where first_known_error) as known_errors,
       count(failure_point_right) as places_graded,
       count(*) filter (where failure_point_right) as places_right,
       count(scope_right) as scopes_graded,
       count(*) filter (where scope_right) as scopes_right,
       count(signature_right) as signatures_graded,
       count(*) filter (where signature_right) as signatures_right
from ended
"""

# Of incidents matched to a known error when reported: workarounds applied, and those that failed.
_KNOWN_WORKAROUNDS = f"""
with {ENDED}
select count(*) as applied, count(*) filter (where w.failed_at is null) as worked
from ended
join measured_workaround w using (incident_id)
where ended.first_known_error
"""

# Incidents by who noticed first; unpriced are those whose lost minutes have no price.
_NOTICED = f"""
with {ENDED}
select ended.origin, count(*) as incidents, sum(ended.lost_seconds) as lost_seconds,
       count(*) filter (where ended.lost_seconds > 0 and price.per_minute is null
                        and price.pulled_down is not true) as unpriced
from ended
left join incident_price price using (incident_id)
group by ended.origin
"""

# What incidents are charged with, by who noticed first; a cascade is charged at its failure point.
_CHARGES = f"""
with {ENDED}
select ended.origin, charge.part, charge.currency, sum(charge.amount) as amount
from ended
join {CHARGES} charge using (incident_id)
where not charge.pulled_down
group by ended.origin, charge.part, charge.currency
"""

# Incidents that had started and not ended at a time.
_OPEN = f"""
select count(*) as incidents
from measured_incident i
left join measured_diagnosis d using (incident_id)
where i.started_at < :end and (i.ended_at is null or i.ended_at >= :end)
  and {INCIDENT_IN_SLICE}
"""


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What was counted over incidents."""

    incidents: int
    incidents_open: int
    spreads: Mapping[str, Spread]
    tallies: Mapping[str, Tally]
    noticed: Sequence[Noticed]
    charges: Sequence[Charge]


async def count_incidents(
    conn: AsyncConnection, period: Period, part: Slice, labour: Money | None
) -> IncidentFacts:
    """Count what the indicators over incidents need."""
    within = bound(period, part)
    counted = (await rows(conn, _TALLIES, **within))[0]
    return IncidentFacts(
        incidents=counted["incidents"],
        incidents_open=(await rows(conn, _OPEN, **within))[0]["incidents"],
        spreads={r["name"]: spread(r) for r in await rows(conn, _SPREADS, **within)},
        tallies={
            **tallies_of(counted),
            "known_error_workaround_share": _tally(
                (await rows(conn, _KNOWN_WORKAROUNDS, **within))[0], "worked", "applied"
            ),
        },
        noticed=[
            Noticed(Origin(r["origin"]), r["incidents"], r["unpriced"], r["lost_seconds"])
            for r in await rows(conn, _NOTICED, **within)
        ],
        charges=[
            Charge(
                Origin(r["origin"]),
                CostPart(r["part"]),
                Money(amount=r["amount"], currency=r["currency"]),
            )
            for r in await rows(conn, _CHARGES, **within, **bound_labour(labour))
        ],
    )


async def tally_incidents(
    conn: AsyncConnection, period: Period, part: Slice
) -> Mapping[str, Tally]:
    """Count the shares over incidents alone."""
    return tallies_of((await rows(conn, _TALLIES, **bound(period, part)))[0])


def tallies_of(counted: Row) -> dict[str, Tally]:
    """Give the shares that one pass over the incidents counts."""
    incidents = counted["incidents"]
    return {
        "internal_detection_share": Tally(counted["internal"], incidents),
        "alternate_channel_share": Tally(counted["alternate"], counted["restored"]),
        "recurrence_share": Tally(
            counted["recurred"], counted["signed"], incidents - counted["signed"]
        ),
        "known_error_share": Tally(
            counted["known_errors"],
            counted["first_diagnosed"],
            incidents - counted["first_diagnosed"],
        ),
        "failure_point_accuracy": _graded(counted, "places"),
        "scope_accuracy": _graded(counted, "scopes"),
        "signature_accuracy": _graded(counted, "signatures"),
    }


def spread(counted: Mapping[Any, Any] | Row) -> Spread:
    """Give a row of counts and quantiles as a spread."""
    median, p90 = counted["quantiles"] or (None, None)
    return Spread(counted["count"], counted["invalid"], counted["unfinished"], median, p90)


def _graded(counted: Row, what: str) -> Tally:
    """Give how many of the diagnoses of incidents that ended proved right in something."""
    graded = counted[f"{what}_graded"]
    return Tally(counted[f"{what}_right"], graded, counted["signed"] - graded)


def _tally(counted: Row, numerator: str, denominator: str) -> Tally:
    return Tally(counted[numerator], counted[denominator])
