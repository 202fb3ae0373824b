"""What lives as long as an instance of intake runs, and how routes find it."""

from dataclasses import dataclass

from mejora_intake.api.folding import Taken
from mejora_intake.api.subscriptions import Subscriptions
from mejora_intake.model import Signal
from mejora_intake.quota import Quota
from mejora_intake.store.remembered import Remembered
from mejora_intake.store.sources import RememberedSources
from mejora_service.coalesce import Coalescer
from mejora_service.runtime import Runtime


@dataclass(frozen=True, slots=True)
class AtWork:
    """What an instance of intake has at hand."""

    coalescer: Coalescer[Signal, Taken]
    """Takes the signals of many requests in one commit."""
    remembered: Remembered
    """The silences, so that deciding about a signal asks no store."""
    sources: RememberedSources
    """What is declared of sources."""
    subscriptions: Subscriptions
    """Amazon's topics whose messages are taken."""
    quota: Quota | None
    """How much each sender may post; None where that is not limited."""


def at_work(runtime: Runtime) -> AtWork:
    """Give what an instance of intake has at hand."""
    found: AtWork = runtime.resource
    return found
