"""`GET /v1/indicators`: how well failures are dealt with, over any period and part."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from mejora_events.contracts.base import Time
from mejora_improvement.model.indicators import Indicators, indicators
from mejora_improvement.model.period import BadPeriod, Slice, period_until_now
from mejora_improvement.store import indicators as counting
from mejora_service.errors import Invalid
from mejora_service.web import Reading, reading

router = APIRouter(tags=["indicators"])

Moment = Time | date
"""A time (RFC 3339), or a day, which stands for its beginning in UTC."""


@router.get("/v1/indicators")
async def get_indicators(
    query: Annotated[Reading, Depends(reading)],
    start: Annotated[Moment | None, Query(alias="from", description="Default: the first")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="Exclusive; default: now")] = None,
    component: Annotated[str | None, Query(max_length=300)] = None,
    process: Annotated[str | None, Query(max_length=300)] = None,
    customer: Annotated[str | None, Query(max_length=300)] = None,
) -> Indicators:
    """Give every indicator over the incidents that ended in the period.

    Without `from` the period begins with the first thing that is known of; a period that is not
    over is measured up to now.
    """
    part = Slice(component=component, process=process, customer=customer)
    now = query.clock.now()
    async with query.conn() as conn:
        began = _as_time(start) or await counting.first_known(conn) or now - timedelta(days=1)
        try:
            period = period_until_now(began, _as_time(end), now)
        except BadPeriod as error:
            raise Invalid(
                f"There is nothing to measure: {error}.",
                advice="Give a `from` that lies in the past and before `to`.",
            ) from error
        labour = query.settings.labour_rate_per_hour
        return indicators(period, part, await counting.count(conn, period, part, labour))


def _as_time(moment: Moment | None) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), UTC)
