"""Stretches of time, and which part of what happened is looked at."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MONTH = timedelta(days=365.25 / 12)
"""A mean month: rates per month do not depend on which month it is."""


class BadPeriod(ValueError):
    """A period that ends before it starts."""


@dataclass(frozen=True, slots=True)
class Period:
    """From (inclusive) to (exclusive)."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise BadPeriod(
                f"the period ends ({self.end.isoformat()}) before it has started "
                f"({self.start.isoformat()})"
            )

    @property
    def seconds(self) -> float:
        """Tell how long it is."""
        return (self.end - self.start).total_seconds()

    @property
    def months(self) -> float:
        """Tell how many mean months it has."""
        return (self.end - self.start) / MONTH


def period_until_now(start: datetime, end: datetime | None, now: datetime) -> Period:
    """Give the part of a period that is over; raises BadPeriod.

    Minutes that have not come yet are neither lost nor served.
    """
    return Period(start, min(end or now, now))


@dataclass(frozen=True, slots=True)
class Slice:
    """Which incidents count: those of a component, process, customer or signature; empty is all.

    An incident is a component's when it was reported on it or when the failure began there.
    """

    component: str | None = None
    process: str | None = None
    customer: str | None = None
    signature_id: str | None = None
