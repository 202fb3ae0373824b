"""When things happened: the story's days, counted back from today, in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Past:
    """The past, as seen from now."""

    now: datetime

    @classmethod
    def until_now(cls) -> "Past":
        """Begin with the present moment."""
        return cls(datetime.now(UTC))

    def at(self, days_ago: int, clock: str) -> datetime:
        """Give a moment: so many days ago, at a time of day."""
        day = self.now.date() - timedelta(days=days_ago)
        return datetime.combine(day, time.fromisoformat(clock), UTC)


def minutes(count: float) -> timedelta:
    """Give a time span in minutes."""
    return timedelta(minutes=count)


def written(moment: datetime) -> str:
    """Write a moment as Mejora's paths take it."""
    return moment.isoformat().replace("+00:00", "Z")
