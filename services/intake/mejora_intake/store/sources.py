"""Sources that an operator has declared, and what this process remembers of them."""

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.ids import new_id
from mejora_events.sql import STORE_ERRORS, Row, row, rows, run
from mejora_events.store import Store, Work
from mejora_intake.declared import Declared, Source, path_name, source_of

log = logging.getLogger(__name__)

# Two that declare the same source wait for each other, also where there is none yet.
_ALONE = "select pg_advisory_xact_lock(hashtextextended('mejora-source:' || :path_name, 0))"

_HELD = "select * from source where path_name = :path_name for update"

# A change counts one on, so that it is seen that there was one.
_DECLARE = """
insert into source (source_id, name, path_name, declaration, signing_secret, changed_at, changed_by)
values (:source_id, :name, :path_name, cast(:declaration as json), :signing_secret, :changed_at,
        :changed_by)
on conflict (path_name) do update
set declaration = excluded.declaration, signing_secret = excluded.signing_secret,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by,
    revision = source.revision + 1
returning *
"""

_FORGET = "delete from source where path_name = :path_name"

_ONE = "select * from source where path_name = :path_name"

_LIST = """
select * from source where (cast(:after as uuid) is null or source_id < :after)
order by source_id desc limit :limit
"""

# Changes with every change of what is declared.
_STAMP = """
select coalesce(md5(string_agg(source_id || ' ' || revision, ',' order by source_id)), '') as stamp
from source
"""

_ALL = "select name, cast(declaration as text) as declaration, signing_secret from source"


async def hold(work: Work, name: str) -> Row | None:
    """Give the source that is declared at a name's path, and let nobody else declare it."""
    await row(work.conn, _ALONE, path_name=path_name(name))
    return await row(work.conn, _HELD, path_name=path_name(name))


async def declare(work: Work, name: str, declaration: str, secret: str | None) -> Row:
    """Declare a source, held before, or change what is declared of it."""
    (declared,) = await rows(
        work.conn,
        _DECLARE,
        source_id=new_id(),
        name=name,
        path_name=path_name(name),
        declaration=declaration,
        signing_secret=secret,
        changed_at=work.now,
        changed_by=work.actor,
    )
    return declared


async def forget(work: Work, name: str) -> bool:
    """Let a source be declared no longer; tell whether it was."""
    return await run(work.conn, _FORGET, path_name=path_name(name)) > 0


async def one_source(conn: AsyncConnection, name: str) -> Row | None:
    """Give the source that is declared at a name's path."""
    return await row(conn, _ONE, path_name=path_name(name))


async def list_sources(conn: AsyncConnection, *, after: UUID | None, limit: int) -> Sequence[Row]:
    """Give declared sources, those that were declared last first."""
    return await rows(conn, _LIST, after=after, limit=limit)


class RememberedSources:
    """What is declared, as this process knows it; `declared` is replaced whole."""

    def __init__(self, store: Store) -> None:
        self.declared = Declared()
        self._store, self._stamp = store, ""
        self._alone = asyncio.Lock()

    async def refresh_after_change(self) -> None:
        """Learn of a change that is committed; when the store is away just now, a second later."""
        try:
            await self.refresh()
        except STORE_ERRORS as error:
            log.warning("declared sources are learned of later: %r", error)

    async def refresh(self) -> None:
        """Learn what was declared meanwhile. Raises what the store raises."""
        async with self._alone, self._store.read() as conn:
            newest = await row(conn, _STAMP)
            if newest is None or newest["stamp"] == self._stamp:
                return
            self.declared = Declared([_source(r) for r in await rows(conn, _ALL)])
            self._stamp = newest["stamp"]


def _source(found: Row) -> Source:
    return source_of(found["name"], found["declaration"], found["signing_secret"])
