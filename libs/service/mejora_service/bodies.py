"""Bodies of requests while they are in memory: how many bytes at most, and for how long they come.

A body is in memory from its first byte until its request is answered: while it comes, and while
what it says waits for the store. Beyond the limit requests are told to come again, so that memory
does not grow with what waits, however it waits.
"""

import asyncio
import time
from asyncio import Task, TimerHandle
from typing import Any

from mejora_service.errors import TooSlow, Unavailable

_LOOK_EVERY_SECONDS = 1.0


class Bodies:
    """The bodies that a service has in memory."""

    def __init__(self, most_bytes: int, slowest_seconds: float) -> None:
        self._most_bytes, self._slowest_seconds = most_bytes, slowest_seconds
        self.held_bytes = 0
        self._coming: dict[Task[Any], float] = {}
        """The requests whose bodies are coming, since when, the oldest first."""
        self._late: set[Task[Any]] = set()
        self._next_look: TimerHandle | None = None

    def hold(self, count: int) -> None:
        """Hold so many bytes more; raises Unavailable when that is too much."""
        self.held_bytes += count
        if self.held_bytes > self._most_bytes:
            raise Unavailable(
                "More arrives than can be kept in memory.",
                advice="Send it again after the time in Retry-After; nothing of it was kept.",
                headers={"Retry-After": "1"},
            )

    def release(self, count: int) -> None:
        """Hold so many bytes no longer."""
        self.held_bytes -= count

    def comes(self, task: Task[Any]) -> None:
        """Note that the body of a request is coming from now on."""
        self._coming[task] = time.monotonic()
        if self._next_look is None:
            self._look_later()

    def came(self, task: Task[Any]) -> None:
        """Note that the body of a request has come, or comes no more."""
        self._coming.pop(task, None)
        self._late.discard(task)

    def too_slow(self, task: Task[Any]) -> TooSlow | None:
        """Give what a request is told that was broken off here; none where somebody else did."""
        if task not in self._late:
            return None
        task.uncancel()
        return TooSlow(
            f"The body did not come within {self._slowest_seconds:g} seconds.",
            advice="Send it in smaller parts; nothing was stored.",
            headers={"Connection": "close"},
        )

    def _look_later(self) -> None:
        """Look for those that are too slow; a timer for each request would cost far more."""
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(_LOOK_EVERY_SECONDS, self._look)

    def _look(self) -> None:
        began_before = time.monotonic() - self._slowest_seconds
        for task, since in self._coming.items():
            if since > began_before:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._next_look = None
        if self._coming:
            self._look_later()
