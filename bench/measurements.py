"""Every measurement, by name, in the order in which they are made."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bench import chain, diagnosis, events, intake
from bench.figure import Figure
from bench.ground import Ground, ground
from bench.growth import growth
from bench.machine import facts
from bench.memory import memory
from bench.scale import Scale
from bench.signature import signature

Measurement = Callable[[Ground, Scale], Awaitable[list[Figure]]]

MEASUREMENTS: Mapping[str, Measurement] = {
    "intake.single": intake.single,
    "intake.batch": intake.batch,
    "intake.growth": growth,
    "events.relay": events.relay,
    "events.consume": events.consume,
    "diagnosis.impact": diagnosis.impact,
    "diagnosis.seen_before": diagnosis.seen_before,
    "chain.latency": chain.latency,
    "chain.throughput": chain.throughput,
    "memory": memory,
    "diagnosis.signature": signature,
}


async def measure(
    names: Sequence[str], scale: Scale, tell: Callable[[str], None]
) -> tuple[dict[str, list[Figure]], dict[str, str | int | float]]:
    """Make measurements on one ground; give their figures and what they were made on."""
    measured = {}
    async with ground() as here:
        for name in names:
            began = time.monotonic()
            measured[name] = await MEASUREMENTS[name](here, scale)
            tell(f"{name} took {time.monotonic() - began:.0f} s")
        return measured, await facts(here)
