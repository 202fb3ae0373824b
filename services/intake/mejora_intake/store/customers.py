"""The customers that incidents are known to concern."""

from collections.abc import Collection

from mejora_events.ids import IncidentId
from mejora_events.sql import run
from mejora_events.store import Work

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
