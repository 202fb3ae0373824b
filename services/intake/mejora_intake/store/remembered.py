"""The silences as this process remembers them, so that deciding about a signal asks no store.

A number counts the changes of silences and of the catalogue's copy. It is looked at every second,
and at once after a change in this process; only what changed since is read.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.sql import STORE_ERRORS
from mejora_events.store import Store
from mejora_intake.belonging import Belonging, Part, PartKind
from mejora_intake.silences import Silence, Silences
from mejora_intake.store.belonging import changed_parts
from mejora_intake.store.refreshing import refreshing
from mejora_intake.store.silences import changed_silences, revision

log = logging.getLogger(__name__)


class Remembered:
    """What is known of silences here; `silences` is replaced whole when something changes."""

    def __init__(self, store: Store) -> None:
        self.silences = Silences()
        self._store = store
        self._revision = 0
        self._declared: dict[UUID, Silence] = {}
        self._parts: dict[tuple[PartKind, str], Part] = {}
        self._belonging = Belonging()
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator["Remembered"]:
        """Know the silences from the start, and learn of changes while the block runs."""
        async with refreshing("silences", self.refresh):
            yield self

    async def refresh(self) -> None:
        """Learn what has changed. Raises what the store raises."""
        async with self._alone, self._store.read() as conn:
            newest = await revision(conn)
            if newest == self._revision:
                return
            parts = await changed_parts(conn, after_revision=self._revision)
            silences = await changed_silences(conn, after_revision=self._revision)
            self._take(parts, silences)
            self._revision = newest

    def _take(self, parts: list[tuple[Part, bool]], silences: list[Silence]) -> None:
        for part, is_there in parts:
            if is_there:
                self._parts[part.kind, part.name] = part
            else:
                self._parts.pop((part.kind, part.name), None)
        if parts:
            self._belonging = Belonging(self._parts.values())
        self._declared |= {silence.silence_id: silence for silence in silences}
        self.silences = Silences(self._declared.values(), self._belonging)

    async def refresh_after_change(self) -> None:
        """Learn of a change that is committed; when the store is away just now, a second later."""
        try:
            await self.refresh()
        except STORE_ERRORS as error:
            log.warning("silences are learned of later: %r", error)


async def silences_in(conn: AsyncConnection) -> Silences:
    """Read all silences, with what they are matched by."""
    parts = [part for part, is_there in await changed_parts(conn, after_revision=0) if is_there]
    return Silences(await changed_silences(conn, after_revision=0), Belonging(parts))
