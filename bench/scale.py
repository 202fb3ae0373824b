"""How long a run takes: what is reported, or a smoke run whose figures mean nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The sizes of all measurements."""

    rounds: int = 3
    warm_up_seconds: float = 0.5
    seconds: float = 2.5
    """How long each side of `intake.*` is loaded in a round."""
    most_signals: int = 60_000
    """Signals that are made ready for it; when they run out, it ends early."""
    past_signals: int = 1_000_000
    """Signals that are there before `intake.growth` begins, ten for each incident."""
    relayed: int = 20_000
    """Events that each side of `events.relay` sends in a round."""
    consumed: int = 20_000
    """Events that each side of `events.consume` takes in a round."""
    paced: int = 300
    """Signals of a round of `chain.latency`, at a hundred a second."""
    chained: int = 2_000
    """Incidents of a round of `chain.throughput`."""
    signed: int = 100_000
    """Texts of a round of `diagnosis.signature`."""
    components: int = 10_000
    """Components of the catalogue of `diagnosis.impact`, each with five edges."""
    few_problems: int = 100
    many_problems: int = 100_000
    """Former problems of both sides of `diagnosis.seen_before`."""
    lookups: int = 100
    """Batches of incidents whose past each side looks up in a round."""


FULL = Scale()
QUICK = Scale(
    rounds=1,
    warm_up_seconds=0.1,
    seconds=0.5,
    most_signals=8_000,
    past_signals=10_000,
    relayed=1_000,
    consumed=1_000,
    paced=50,
    chained=100,
    signed=5_000,
    components=500,
    many_problems=1_000,
    lookups=5,
)
