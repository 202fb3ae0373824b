"""The rule by which an incident is flapping: it comes and goes, and does so now."""

from collections.abc import Iterable
from datetime import datetime, timedelta

_RECENT = timedelta(hours=1)
"""A flap longer ago than this is history."""


def is_flapping(
    flaps: int, flapped_at: Iterable[datetime], *, now: datetime, flaps_to_be_flapping: int
) -> bool:
    """Tell whether an incident has flapped often enough, the last time within the last hour."""
    if flaps < flaps_to_be_flapping:
        return False
    return any(now - at <= _RECENT for at in flapped_at)
