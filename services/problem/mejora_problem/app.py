"""The problem service, put together."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mejora_events.contracts.base import Money
from mejora_problem.api import router
from mejora_problem.reactions import REACTIONS
from mejora_problem.reactions.sweep import sweep
from mejora_service.service import Periodic, Service
from mejora_service.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the problem service needs to know beside what all do."""

    sweep_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How often it is looked for verdicts that are due and for what is overdue."""
    superior_after_seconds: Annotated[float, Field(ge=0)] = 2 * 86_400.0
    """How long the owner of something overdue is given before the superior role is asked."""
    labour_rate_per_hour: Money | None = None
    """What an hour of handling costs where the catalogue has no rate: {"amount": "60"}."""


def periodics(settings: Settings) -> Sequence[Periodic]:
    """Look again and again for what only time brings."""
    superior_after = timedelta(seconds=settings.superior_after_seconds)
    return (
        Periodic("sweep", settings.sweep_seconds, partial(sweep, superior_after=superior_after)),
    )


SERVICE = Service(
    name="problem",
    migrations=Path(__file__).parent / "migrations",
    settings=Settings,
    router=router,
    reactions=lambda _settings: REACTIONS,
    periodics=periodics,
)
