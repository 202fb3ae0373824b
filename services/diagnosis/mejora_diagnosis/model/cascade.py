"""Where a failure began: the failing component with no failing dependency.

Incidents that started near in time, at components that stand on one another, are one cascade. Near
is counted in whole minutes of their starts, whether they have been restored since or not, so that
the answer depends on what happened alone and not on the order in which Mejora learned of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.reach import Bits
from mejora_events.contracts.diagnoses import FailurePoint
from mejora_events.ids import IncidentId

MOST_NAMED = 20
"""How many incidents of a cascade a diagnosis names, one a component, the earliest first."""


def minute_of(time: datetime) -> int:
    """Give the minute since 1970 in which something happened: what nearness is counted in."""
    return int(time.timestamp() // 60)


@dataclass(frozen=True, slots=True)
class Failing:
    """A component that failed near a minute."""

    component: str
    since: datetime
    """When its earliest incident near that minute started."""
    incident_id: IncidentId
    """That incident."""
    instances: int
    """How many of its instances were named by the incidents near that minute."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that was not known to be failing in that minute, or not so early in it."""

    component: str
    minute: int
    before: int | None
    """The last minute before in which the component was known to fail, if that is near."""
    instance_before: int | None
    """The same of the instance that the news names."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """Incidents of a component that started in these minutes may have begun elsewhere after all."""

    component: str
    first_minute: int
    last_minute: int


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a component's failure began, with the reason."""

    component: str
    """The failure point: the component itself when nothing that it stands on was failing."""
    undecided: tuple[str, ...]
    """Other components that could as well be it; this one failed first."""
    because: str


class Neighbourhood:
    """Everything that failed near one minute, and what follows from it for each component."""

    def __init__(
        self, catalogue: Catalogue, failing: Iterable[Failing], window_minutes: int
    ) -> None:
        self._catalogue = catalogue
        self._window_minutes = window_minutes
        self._failing = {it.component: it for it in failing}
        self._bits = catalogue.reach.bits(self._failing)
        self._beginnings: dict[str, Beginning] = {}
        self._cascades: dict[str, list[IncidentId]] = {}

    def instances(self, component: str) -> int:
        """Tell how many instances of a component were named as failing."""
        failing = self._failing.get(component)
        return failing.instances if failing else 0

    def failure_point(self, component: str, incident_id: IncidentId) -> FailurePoint:
        """Name the failure point of an incident and the other incidents of its cascade."""
        start = self.beginning(component).component
        others = [other for other in self._cascade(start) if other != incident_id]
        return FailurePoint(component=start, cascade=tuple(others[:MOST_NAMED]))

    def beginning(self, component: str) -> Beginning:
        """Find where a component's failure began.

        Of all failing components that it stands on, directly or not, those that stand on no
        further failing one can be the beginning. Members of a ring (each stands on the others)
        are alike. Of several, the one that failed first is chosen; then the more critical; then
        by name, so that there is one answer.
        """
        found = self._beginnings.get(component)
        if found is None:
            found = self._beginnings[component] = self._find_beginning(component)
        return found

    def _find_beginning(self, component: str) -> Beginning:
        reach = self._catalogue.reach
        if component not in reach:
            because = "the catalogue does not say what it stands on"
            return Beginning(component=component, undecided=(), because=because)
        failing = reach.down(component) & self._bits
        possible = [
            reach.names[place]
            for place in reach.places(failing)
            if not reach.below(place) & self._bits
        ]
        if not possible:
            return Beginning(component=component, undecided=(), because=self._nothing_below())
        first, *others = sorted(possible, key=self._order)
        return Beginning(first, tuple(others), self._because(component, first, len(others)))

    def _order(self, component: str) -> tuple[datetime, int, str]:
        criticality = self._catalogue.component(component).criticality
        return (self._failing[component].since, criticality, component)

    def _nothing_below(self) -> str:
        return f"nothing that it stands on failed within {self._window_minutes} minutes of it"

    def _because(self, component: str, first: str, others: int) -> str:
        if first == component:
            because = self._nothing_below()
        else:
            because = (
                f"{component} stands on {first}, which failed at"
                f" {self._failing[first].since:%Y-%m-%d %H:%M:%S} UTC, and nothing that {first}"
                f" stands on failed within {self._window_minutes} minutes"
            )
        if others:
            because += f"; {others} more could be it, and this one failed first"
        return because

    def _cascade(self, start: str) -> list[IncidentId]:
        """List the incidents that the failure of a component set off, its own earliest first."""
        found = self._cascades.get(start)
        if found is None:
            order = sorted(
                self._standing_on(start), key=lambda it: (it.component != start, it.since)
            )
            found = self._cascades[start] = [it.incident_id for it in order[: MOST_NAMED + 1]]
        return found

    def _standing_on(self, start: str) -> Iterable[Failing]:
        reach = self._catalogue.reach
        if start not in reach:
            return (it for it in (self._failing.get(start),) if it)
        return (self._failing[name] for name in reach.named(reach.up(start) & self._bits))


def to_recheck(catalogue: Catalogue, news: Iterable[News], window_minutes: int) -> list[Recheck]:
    """Tell which incidents must be looked at again, now that more is known to fail.

    They are those near the news, at components that stand on it; for the share of instances, those
    of the component itself. Where the component was known to fail shortly before, the incidents
    near both have taken that into account: while something goes on failing, nothing is rechecked.
    """
    standing_on: dict[tuple[int, int], Bits] = {}
    for it in news:
        if it.component not in catalogue.reach:
            continue
        span = _span(it.minute, it.before, window_minutes)
        standing_on[span] = standing_on.get(span, 0) | catalogue.reach.up(it.component)
        if catalogue.component(it.component).instances is not None:
            span = _span(it.minute, it.instance_before, window_minutes)
            own = catalogue.reach.bits([it.component])
            standing_on[span] = standing_on.get(span, 0) | own
    spans: dict[str, list[tuple[int, int]]] = {}
    for span, bits in sorted(standing_on.items()):
        if span[0] <= span[1]:
            for name in catalogue.reach.named(bits):
                spans.setdefault(name, []).append(span)
    return [
        Recheck(name, first, last) for name, found in spans.items() for first, last in _merge(found)
    ]


def _span(minute: int, before: int | None, window_minutes: int) -> tuple[int, int]:
    first = minute - window_minutes
    if before is not None:
        first = max(first, before + window_minutes + 1)
    return first, minute + window_minutes


def _merge(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge spans that overlap; they come in order of their beginning."""
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged
