"""`chain.latency` and `chain.throughput`: how fast failures go through all services.

All four run as processes on Kafka. An incident goes from intake to diagnosis, and from both to the
problem and improvement services: it is there when the report and the diagnosis are.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from bench.figure import Figure
from bench.ground import Ground
from bench.hop import a_hop, reports_of
from bench.load import quantile
from bench.scale import Scale
from bench.whole import Posted, the_whole
from mejora_events.contracts.incidents import IncidentReported

_PER_SECOND = 100.0


async def latency(ground: Ground, scale: Scale) -> list[Figure]:
    """Milliseconds from a signal's post until the problem service has recorded its diagnosis."""
    limit_is = "aiokafka's produce and consume of a record of the same size, at the same pace"
    figures = {
        share: Figure(f"chain.latency.{name}", "ms", limit_is, lower_is_better=True)
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    }
    async with the_whole(ground) as whole, a_hop(ground) as hop:
        for number in range(scale.rounds + 1):
            posted = await whole.post_at_pace(f"paced{number}", scale.paced, _PER_SECOND)
            await whole.settled(posted.incidents)
            took = _took(posted, await whole.recorded_at(posted.incidents))
            reported = _took(
                posted, await whole.recorded_at(posted.incidents, [IncidentReported.TYPE])
            )
            diagnosing = await whole.diagnosing_seconds(posted.incidents)
            records = await reports_of(ground, posted.incidents)
            bare = await hop.round_trips(records, _PER_SECOND)
            if number:  # the first round warms all up
                for share, figure in figures.items():
                    figure.add(limit=_milliseconds(bare, share), ours=_milliseconds(took, share))
                    for name, seconds in (
                        ("until answered", posted.answer_seconds),
                        ("until report", reported),
                        ("from report to diagnosis", diagnosing),
                    ):
                        figure.notes[f"ms {name}"] = round(_milliseconds(seconds, share), 1)
                    figure.notes["bytes a record"] = sum(r.size for r in records) // len(records)
    return list(figures.values())


async def throughput(ground: Ground, scale: Scale) -> list[Figure]:
    """Incidents a second through all services, each of them there exactly once."""
    figure = Figure(
        "chain.throughput",
        "incidents/s",
        "one hop of aiokafka: produce, consume and insert the reports of as many incidents",
    )
    async with the_whole(ground) as whole, a_hop(ground) as hop:
        for number in range(scale.rounds + 1):
            posted = await whole.post_at_once(f"chained{number}", scale.chained)
            await whole.settled(posted.incidents)
            measured_at = await whole.measured_at(posted.incidents)
            seconds = max(measured_at.values()) - min(posted.due_at.values())
            limit = await hop.taken_per_second(await reports_of(ground, posted.incidents))
            if number:
                figure.add(limit=limit, ours=len(measured_at) / seconds)
                figure.notes["incidents a round"] = len(measured_at)
    return [figure]


def _took(posted: Posted, recorded_at: Mapping[UUID, float]) -> list[float]:
    return [recorded_at[incident] - due for incident, due in posted.due_at.items()]


def _milliseconds(seconds: Sequence[float], share: float) -> float:
    return quantile(sorted(seconds), share) * 1000
