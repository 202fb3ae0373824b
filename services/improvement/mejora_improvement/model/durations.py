"""Indicators that are durations: count, median and p90 of the time between two named ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mejora_events.contracts.base import Value


@dataclass(frozen=True, slots=True)
class Span:
    """What a duration is measured between, and what is said when it cannot be."""

    starts: str
    ends: str
    nothing: str
    """Why there is nothing to measure when nothing came to an end at all."""
    unfinished: str
    """What is said of those that have no second end."""


NO_INCIDENT = "No incident ended in the period."

SPANS: Mapping[str, Span] = {
    "time_to_detect": Span("failure started", "first signal", NO_INCIDENT, "was ever signalled"),
    "time_to_acknowledge": Span("reported", "acknowledged", NO_INCIDENT, "was acknowledged"),
    "time_to_diagnose": Span(
        "reported", "diagnosis complete", NO_INCIDENT, "has a complete diagnosis"
    ),
    "time_to_restore": Span(
        "failure started", "service level back by either channel", NO_INCIDENT, "was restored"
    ),
    "time_to_permanent_fix": Span(
        "problem opened",
        "the verified fix's deployment",
        "No permanent fix was verified in the period.",
        "has a recorded deployment",
    ),
}


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, over all cases; quantiles as in `DurationIndicator`."""

    count: int = 0
    invalid: int = 0
    unfinished: int = 0
    median_seconds: float | None = None
    p90_seconds: float | None = None


class DurationIndicator(Value):
    """How long it took from one named end to the other.

    Median and p90 are quantiles of type 7 of Hyndman and Fan (1996), which interpolates linearly
    between order statistics: PostgreSQL's `percentile_cont`, NumPy's default.
    """

    kind: Literal["duration"] = "duration"
    starts: str
    ends: str
    unit: Literal["seconds"] = "seconds"
    count: int
    median_seconds: float | None
    p90_seconds: float | None
    invalid: int
    """Left out: the second end lies before the first."""
    unfinished: int
    """Left out: the second end has not come (for time_to_acknowledge: the unacknowledged)."""
    reason: str | None
    """Why there is no value."""


def duration(span: Span, spread: Spread) -> DurationIndicator:
    """Give an indicator from its cases; without any that counts it has no value, but a reason."""
    return DurationIndicator(
        starts=span.starts,
        ends=span.ends,
        count=spread.count,
        median_seconds=spread.median_seconds if spread.count else None,
        p90_seconds=spread.p90_seconds if spread.count else None,
        invalid=spread.invalid,
        unfinished=spread.unfinished,
        reason=_why_nothing(span, spread),
    )


def _why_nothing(span: Span, spread: Spread) -> str | None:
    if spread.count:
        return None
    if spread.invalid:
        return f"All that ended ({spread.invalid}) ended before they had started: {span.ends}."
    if spread.unfinished:
        return f"Of {spread.unfinished} in the period, none {span.unfinished}."
    return span.nothing
