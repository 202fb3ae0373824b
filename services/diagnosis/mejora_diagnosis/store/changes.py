"""Deployments and configuration changes that pipelines told us."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.sql import as_json, from_json, rows, run

_ADD = """
insert into change (change_id, component, changed_at, body)
values (:change_id, :component, :changed_at, cast(:body as jsonb))
"""

_LIST = """
select body from change
where (cast(:after as uuid) is null or change_id < :after)
  and (cast(:component as text) is null or component = :component)
order by change_id desc
limit :limit
"""


async def add(conn: AsyncConnection, change: ChangeRecorded) -> None:
    """Keep a change."""
    await run(
        conn,
        _ADD,
        change_id=change.change_id,
        component=change.component,
        changed_at=change.changed_at,
        body=as_json(change),
    )


async def listed(
    conn: AsyncConnection, *, after: UUID | None, limit: int, component: str | None
) -> list[ChangeRecorded]:
    """List changes, the newest first."""
    found = await rows(conn, _LIST, after=after, limit=limit, component=component)
    return [ChangeRecorded.model_validate(from_json(it["body"])) for it in found]
