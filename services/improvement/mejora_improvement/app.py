"""The improvement service, put together."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mejora_events.contracts.base import Money
from mejora_improvement.api import router
from mejora_improvement.reactions import propose_from_data, reactions
from mejora_service.service import Periodic, Service
from mejora_service.settings import ServiceSettings


class ImprovementSettings(ServiceSettings):
    """What the improvement service needs to know besides."""

    labour_rate_per_hour: Money | None = None
    """What an hour of handling costs where the catalogue gives a component no rate (as JSON)."""
    proposal_seconds: Annotated[float, Field(ge=1)] = 3600.0
    """How often the data is looked at for proposals."""
    feed_poll_seconds: Annotated[float, Field(gt=0, le=60)] = 0.25
    """How often the feed is looked at for those who follow it live."""
    feed_heartbeat_seconds: Annotated[float, Field(gt=0)] = 15.0
    """After how long a silence a live follower hears that the line is still up."""
    feed_retry_seconds: Annotated[float, Field(ge=0)] = 1.0
    """After how long a live follower should come back when the line breaks."""


def _periodics(settings: ImprovementSettings) -> Sequence[Periodic]:
    propose = partial(propose_from_data, labour=settings.labour_rate_per_hour)
    return [Periodic("proposals", settings.proposal_seconds, propose)]


SERVICE = Service(
    name="improvement",
    migrations=Path(__file__).parent / "migrations",
    settings=ImprovementSettings,
    router=router,
    reactions=reactions,
    periodics=_periodics,
)
