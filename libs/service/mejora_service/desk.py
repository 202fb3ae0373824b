"""How many questions and commands are at work in the store at once, and how long others wait.

They have half of a service's connections. The other half is for what may not wait for them: what
is accepted, consumed and relayed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mejora_service.errors import Unavailable


class Desk:
    """The places where questions and commands are at work."""

    def __init__(self, places: int, longest_seconds: float) -> None:
        self._places, self._longest_seconds = asyncio.Semaphore(places), longest_seconds

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Take a place while the block runs; raises Unavailable when none becomes free in time."""
        try:
            async with asyncio.timeout(self._longest_seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise Unavailable(
                "More is asked at once than the store has answered meanwhile.",
                advice="Ask again after the time in Retry-After.",
                headers={"Retry-After": "5"},
            ) from error
        try:
            yield
        finally:
            self._places.release()
