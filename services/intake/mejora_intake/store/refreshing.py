"""What a process remembers of the store, and learns anew each second."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from mejora_events.faults import wait_or

log = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0
"""How long another instance's change may be unknown here."""


@asynccontextmanager
async def refreshing(what: str, refresh: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Refresh now, and each second while the block runs; what fails is tried again.

    Raises what the first time raises.
    """
    await refresh()
    stopping = asyncio.Event()

    async def repeat() -> None:
        failing = False
        while not stopping.is_set():
            await wait_or(stopping, _EVERY_SECONDS)
            try:
                await refresh()
            except Exception as error:  # noqa: BLE001 (told once, and tried again)
                if not failing:
                    log.warning("%s are learned of later: %r", what, error)
                failing = True
            else:
                failing = False

    task = asyncio.create_task(repeat(), name=what)
    try:
        yield
    finally:
        stopping.set()
        await task
