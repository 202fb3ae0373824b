"""Everything that the indicators of a period and slice are put together from."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Money
from mejora_events.sql import rows, run
from mejora_improvement.model.indicators import Facts
from mejora_improvement.model.period import Period, Slice
from mejora_improvement.store.incident_facts import count_incidents
from mejora_improvement.store.problem_facts import count_problems

# When the first thing that is known of happened.
_FIRST = """
select least((select min(started_at) from measured_incident),
             (select min(opened_at) from measured_problem)) as happened_at
"""

# A plan that fits any period and slice fits none: each set of values is worth a plan of its own.
_OWN_PLANS = "set local plan_cache_mode = force_custom_plan"


async def count(
    conn: AsyncConnection, period: Period, part: Slice, labour: Money | None = None
) -> Facts:
    """Count what the indicators of a period and slice need.

    `labour` is what an hour of handling costs where the catalogue gives a component no rate.
    """
    await run(conn, _OWN_PLANS)
    over_incidents = await count_incidents(conn, period, part, labour)
    over_problems = await count_problems(conn, period, part, labour)
    return Facts(
        incidents=over_incidents.incidents,
        incidents_open=over_incidents.incidents_open,
        spreads={**over_incidents.spreads, **over_problems.spreads},
        tallies={**over_incidents.tallies, **over_problems.tallies},
        living=over_problems.living,
        promises=over_problems.promises,
        lost=over_problems.lost,
        noticed=over_incidents.noticed,
        charges=over_incidents.charges,
    )


async def first_known(conn: AsyncConnection) -> datetime | None:
    """Tell when the first thing that is known of happened; None when nothing is."""
    happened_at: datetime | None = (await rows(conn, _FIRST))[0]["happened_at"]
    return happened_at
