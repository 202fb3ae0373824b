"""What failed near a minute, and what of it is news."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from mejora_diagnosis.model.scope import HowMany
from mejora_diagnosis.model.signature import reduce_text
from mejora_events.ids import IncidentId
from mejora_events.places import names_of_places

LONGEST_KIND = 200
"""Characters of a kind of failure that are kept: enough to tell one from another."""


def minute_of(time: datetime) -> int:
    """Give the minute since 1970 in which something happened: what nearness is counted in."""
    return int(time.timestamp() // 60)


def slot_of(minute: int, window_minutes: int) -> int:
    """Give the stretch of time in which a minute lies: what habits are counted in.

    It is as long as what is near one minute, on both sides.
    """
    return minute // (2 * window_minutes)


def kind_of(summary: str, labels: Mapping[str, str]) -> str:
    """Say what failed, without who: the text by its form, whatever came before it."""
    return reduce_text(summary, names_of_places(labels))[:LONGEST_KIND]


class Found(NamedTuple):
    """That incidents of a component told of one kind of failure near a minute."""

    component: str
    kind: str
    """What failed, without who."""
    since: datetime
    """When the earliest of them started."""
    incident_id: IncidentId
    """That incident."""
    instances: frozenset[str]
    """The instances that they named."""
    sites: frozenset[str] = frozenset()
    """The sites that they named."""
    users: int = 0
    """The most affected users that one of them told of."""


_SINCE = attrgetter("since")


@dataclass(frozen=True, slots=True)
class Failing:
    """A component that failed near a minute."""

    component: str
    since: datetime
    """When its earliest incident near that minute started."""
    incident_id: IncidentId
    """That incident."""
    affected: HowMany
    """How much of it the incidents near that minute named."""
    kinds: Mapping[str, datetime]
    """What failed at it, and since when."""

    @classmethod
    def gather(cls, found: Iterable[Found]) -> list["Failing"]:
        """Put together what was found of each component."""
        of: dict[str, list[Found]] = {}
        for it in found:
            of.setdefault(it.component, []).append(it)
        return [cls._of(component, its) for component, its in of.items()]

    @classmethod
    def _of(cls, component: str, its: Sequence[Found]) -> "Failing":
        first = its[0]
        if len(its) == 1:
            affected = HowMany(len(first.instances), len(first.sites), first.users)
            return cls(
                component, first.since, first.incident_id, affected, {first.kind: first.since}
            )
        since, incident_id = min((it.since, it.incident_id) for it in its)
        affected = HowMany(
            instances=len(frozenset[str]().union(*(it.instances for it in its))),
            sites=len(frozenset[str]().union(*(it.sites for it in its))),
            users=max(it.users for it in its),
        )
        kinds = {it.kind: it.since for it in sorted(its, key=_SINCE, reverse=True)}
        return cls(component, since, incident_id, affected, kinds)


@dataclass(frozen=True, slots=True)
class News:
    """Something that was not known to be failing in that minute, or not so early in it."""

    component: str
    minute: int
    before: int | None
    """The last minute before in which the component failed in the same way, if that is near."""
    instance_before: int | None
    """The same of the instance and site that the news names, with as many users."""
