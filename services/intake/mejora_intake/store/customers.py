"""The customers that incidents are known to concern."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.ids import IncidentId
from mejora_events.sql import row, run
from mejora_events.store import Work
from mejora_intake.noticing import customer_named

_KEEP = """
insert into incident_customer (customer, incident_id)
select * from unnest(cast(:customers as text[]), cast(:incident_ids as uuid[]))
on conflict do nothing
"""

_SHARE = """
insert into incident_customer (customer, incident_id)
select customer, :to_id from incident_customer where incident_id = :from_id
on conflict do nothing
"""

_CONCERNS = """
select 1 from incident_customer where customer = :customer and incident_id = :incident_id
"""


async def keep_customers(work: Work, named: Collection[tuple[str, IncidentId]]) -> None:
    """Note which customers incidents concern; they are given in lower case."""
    if named:
        in_order = sorted(named)
        await run(
            work.conn,
            _KEEP,
            customers=[customer for customer, _ in in_order],
            incident_ids=[incident_id for _, incident_id in in_order],
        )


async def share_customers(work: Work, from_id: IncidentId, to_id: IncidentId) -> None:
    """Note that an incident concerns all customers that another one does."""
    await run(work.conn, _SHARE, from_id=from_id, to_id=to_id)


async def concerns(conn: AsyncConnection, incident_id: UUID, customer: str) -> bool:
    """Tell whether an incident is known to concern a customer, in whatever case it is named."""
    named = customer_named(customer)
    return await row(conn, _CONCERNS, customer=named, incident_id=incident_id) is not None
