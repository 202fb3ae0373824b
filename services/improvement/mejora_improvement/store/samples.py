"""What an improvement's figure was in a window."""

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.sql import row, rows
from mejora_improvement.model.comparison import Counted, Lasted, Measurable, Sample, Shared
from mejora_improvement.model.period import Period, Slice
from mejora_improvement.store.incident_facts import tally_incidents
from mejora_improvement.store.slices import ENDED, INCIDENT_IN_SLICE, bound

# Incidents that started in the window, ended or not.
_STARTED = f"""
select count(*) as incidents
from measured_incident i
left join measured_diagnosis d using (incident_id)
where i.started_at >= :start and i.started_at < :end and {INCIDENT_IN_SLICE}
"""

# All durations of one kind, and their median (percentile_cont, as the indicators have it).
_TOOK = """
with {ended},
took as (
    select cast(extract(epoch from {ends} - {begins}) as double precision) as seconds
    from ended
    where {ends} >= {begins}
)
select array_agg(seconds) as seconds,
       percentile_cont(0.5) within group (order by seconds) as median
from took
"""
_DURATIONS = {
    indicator: _TOOK.format(ended=ENDED, begins=begins, ends=ends)
    for indicator, begins, ends in (
        (Measurable.TIME_TO_DETECT, "started_at", "reported_at"),
        (Measurable.TIME_TO_ACKNOWLEDGE, "reported_at", "acknowledged_at"),
        (Measurable.TIME_TO_DIAGNOSE, "reported_at", "completed_at"),
        (Measurable.TIME_TO_RESTORE, "started_at", "restored_at"),
    )
}

_SIGNATURE = "select signature_id from measured_problem where problem_id = :problem_id"


async def sample(
    conn: AsyncConnection, indicator: Measurable, period: Period, part: Slice
) -> Sample:
    """Measure an indicator over a window, in the form in which windows are compared."""
    within = bound(period, part)
    if indicator is Measurable.INCIDENTS_PER_MONTH:
        started = (await rows(conn, _STARTED, **within))[0]
        return Counted(started["incidents"], period.seconds)
    if indicator in _DURATIONS:
        took = (await rows(conn, _DURATIONS[indicator], **within))[0]
        return Lasted(took["seconds"] or (), took["median"])
    tally = (await tally_incidents(conn, period, part))[indicator]
    return Shared(tally.numerator, tally.denominator)


async def signature_of(conn: AsyncConnection, problem_id: object) -> str | None:
    """Tell a problem's signature; None when the problem is not known here."""
    found = await row(conn, _SIGNATURE, problem_id=problem_id)
    return found["signature_id"] if found else None
