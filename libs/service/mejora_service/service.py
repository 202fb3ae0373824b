"""What a service declares about itself, so that the chassis can run it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from mejora_events.reactions import Reactions
from mejora_events.store import Work
from mejora_service.settings import ServiceSettings

if TYPE_CHECKING:
    from mejora_service.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Periodic:
    """Something done again and again, by one instance at a time, in one transaction."""

    name: str
    every_seconds: float
    run: Callable[[Work], Awaitable[None]]


def _nothing(_settings: Any) -> Sequence[Periodic]:
    return ()


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its rooms, put together."""

    name: str
    """Path prefix, name of its database, of its consumer group and of its CloudEvents source."""
    migrations: Path
    settings: type[ServiceSettings]
    router: APIRouter
    """Its routes, below `/<name>`."""
    reactions: Callable[[Any], Reactions]
    periodics: Callable[[Any], Sequence[Periodic]] = _nothing
    resource: Callable[["Runtime"], AbstractAsyncContextManager[Any]] | None = None
    """Something of its own that lives as long as it runs; routes find it as `runtime.resource`."""
    issues_keys: bool = False
    """Whether keys are issued here: the first admin key is then told to the others."""
