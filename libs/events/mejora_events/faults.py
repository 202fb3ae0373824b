"""Which errors pass by themselves, and how long to wait between tries."""

import asyncio
import random
from collections.abc import Iterator

from asyncpg import exceptions as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_STORE_AWAY = (
    OSError,  # no answer at all; a time-out is one too
    PoolTimeout,
    pg.PostgresConnectionError,
    pg.CannotConnectNowError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.InsufficientResourcesError,  # too many connections, a full disk
    pg.PostgresIOError,
    pg.ReadOnlySQLTransactionError,  # it became a standby
    pg.InvalidCatalogNameError,  # it is being restored
    pg.InvalidAuthorizationSpecificationError,  # its password is being changed
)
_UNSTORABLE = (pg.CharacterNotInRepertoireError, pg.UntranslatableCharacterError)
_COLLIDED = (pg.DeadlockDetectedError, pg.SerializationError, pg.LockNotAvailableError)


def store_is_away(error: BaseException) -> bool:
    """Tell whether the store cannot be used by anybody now: all one can do is wait for it."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return _any_cause(error, _STORE_AWAY)


def collided(error: BaseException) -> bool:
    """Tell whether two transactions got into each other's way: a second try may well succeed."""
    return _any_cause(error, _COLLIDED)


def unstorable(error: BaseException) -> bool:
    """Tell whether a text could not be kept as it is: PostgreSQL keeps no zero byte."""
    return _any_cause(error, _UNSTORABLE)


def _any_cause(error: BaseException | None, kinds: tuple[type[BaseException], ...]) -> bool:
    while error is not None:
        if isinstance(error, kinds):
            return True
        error = getattr(error, "orig", None) or error.__cause__
    return False


def backoff(first_seconds: float = 0.05, most_seconds: float = 5.0) -> Iterator[float]:
    """Give waits that double up to a limit, each spread by half, without end."""
    wait = first_seconds
    while True:
        yield wait * random.uniform(0.5, 1.0)  # noqa: S311 (spreads retries; guards nothing)
        wait = min(wait * 2, most_seconds)


async def wait_or(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but not for ever; tell whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
