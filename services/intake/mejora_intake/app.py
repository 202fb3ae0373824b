"""Intake, put together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from mejora_events.store import Work
from mejora_intake.api import router
from mejora_intake.api.at_work import AtWork
from mejora_intake.api.folding import Taken, take_signals
from mejora_intake.api.subscriptions import Subscriptions
from mejora_intake.api.waking import wake_failures
from mejora_intake.elsewhere import SeenPlaces
from mejora_intake.model import Signal
from mejora_intake.quota import Quota
from mejora_intake.reactions import REACTIONS
from mejora_intake.store import days
from mejora_intake.store.early import forget_early_ends
from mejora_intake.store.refreshing import refreshing
from mejora_intake.store.remembered import Remembered
from mejora_intake.store.sources import RememberedSources
from mejora_service.coalesce import Coalescer
from mejora_service.runtime import Runtime
from mejora_service.service import Periodic, Service
from mejora_service.settings import ServiceSettings


def _listed(given: object) -> object:
    if not isinstance(given, str):
        return given
    return [one.strip() for one in given.split(",") if one.strip()]


class IntakeSettings(ServiceSettings):
    """Intake's own settings."""

    flap_window_seconds: Annotated[float, Field(ge=0)] = 300.0
    """Failing again within this time of being restored reopens the incident."""
    flaps_to_be_flapping: Annotated[int, Field(ge=1)] = 3
    """An incident that was reopened so often, the last time within an hour, is flapping."""
    most_signals_waiting: Annotated[int, Field(ge=1)] = 20_000
    """More than this waiting to be stored is answered with 429."""
    signals_kept_days: Annotated[int, Field(ge=1)] = 90
    """How long messages are kept; incidents and their counts stay."""
    signals_per_second_per_key: Annotated[float, Field(ge=0)] = 0.0
    """How many each key may post, on each instance; above it, 429. 0 sets no limit."""
    sns_topics: Annotated[frozenset[str], NoDecode, BeforeValidator(_listed)] = frozenset()
    """The ARNs, with commas, of Amazon's topics whose messages are taken, if Amazon signed them."""


@asynccontextmanager
async def _at_work(runtime: Runtime) -> AsyncIterator[AtWork]:
    """Take the signals of many requests in one commit, and know the silences by heart."""
    settings = runtime.settings
    if not isinstance(settings, IntakeSettings):
        raise TypeError("intake runs with IntakeSettings")
    async with runtime.store.begin(actor="mejora") as work:
        await days.make_days(work)
    remembered = Remembered(runtime.store)
    sources = RememberedSources(runtime.store)
    per_second = settings.signals_per_second_per_key
    quota = Quota(per_second) if per_second else None

    seen_places = SeenPlaces()

    async def take(work: Work, signals: Sequence[Signal]) -> list[Taken]:
        return await take_signals(
            work,
            signals,
            flap_window_seconds=settings.flap_window_seconds,
            silences=remembered.silences,
            seen_places=seen_places,
        )

    coalescer = Coalescer[Signal, Taken](
        runtime.store,
        "intake",
        take,
        about=lambda signal: (signal.source, signal.fingerprint),
        size=lambda signal: len(signal.body),
        most_waiting=settings.most_signals_waiting,
        most_bytes_waiting=settings.most_bodies_bytes,
        longest_seconds=settings.longest_wait_seconds,
    )
    async with (
        remembered.refreshing(),
        refreshing("declared sources", sources.refresh),
        coalescer.running(),
    ):
        subscriptions = Subscriptions(settings.sns_topics)
        yield AtWork(coalescer, remembered, sources, subscriptions, quota)


def _periodics(settings: IntakeSettings) -> Sequence[Periodic]:
    async def turn_days(work: Work) -> None:
        await days.make_days(work)
        await days.drop_days(work, settings.signals_kept_days)

    async def wake(work: Work) -> None:
        await wake_failures(work, flap_window_seconds=settings.flap_window_seconds)

    return (
        Periodic("days", 3600.0, turn_days),
        Periodic("early ends", 3600.0, forget_early_ends),
        Periodic("silences over", 5.0, wake),
    )


SERVICE = Service(
    name="intake",
    migrations=Path(__file__).with_name("migrations"),
    settings=IntakeSettings,
    router=router,
    reactions=lambda _: REACTIONS,
    periodics=_periodics,
    resource=_at_work,
    issues_keys=True,
)
