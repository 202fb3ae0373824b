"""Everything that failed near one minute: its cascades, and what follows for each component."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mejora_diagnosis.model.cascade.failing import Failing
from mejora_diagnosis.model.cascade.habits import Habits
from mejora_diagnosis.model.cascade.places import Cascade, Place, rank
from mejora_diagnosis.model.cascade.telling import why
from mejora_diagnosis.model.catalogue import Catalogue
from mejora_diagnosis.model.scope import NOTHING, HowMany
from mejora_events.contracts.diagnoses import Candidate, FailurePoint
from mejora_events.ids import IncidentId

MOST_NAMED = 20
"""How many incidents of a cascade a diagnosis names, one a component, the earliest first."""
MOST_CANDIDATES = 5
"""How many places a diagnosis names where a cascade may have begun."""

NO_HABITS = Habits()


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a component's failure began, with the reason."""

    component: str
    """The failure point: the component itself when nothing else explains its failure better."""
    undecided: tuple[str, ...]
    """Other components that could as well be it, the likeliest first."""
    because: str


class Neighbourhood:
    """Everything that failed near one minute, and what follows from it for each component."""

    def __init__(
        self,
        catalogue: Catalogue,
        failing: Iterable[Failing],
        window_minutes: int,
        habits: Habits = NO_HABITS,
    ) -> None:
        self._catalogue = catalogue
        self._window_minutes = window_minutes
        self._habits = habits
        self._failing = {it.component: it for it in failing}
        self._shown: dict[str, dict[str, dict[str, datetime]]] = {}
        for it in self._failing.values():
            on_island = self._shown.setdefault(catalogue.island(it.component), {})
            for kind, since in it.kinds.items():
                on_island.setdefault(kind, {})[it.component] = since
        self._stands_on = _stands_on(catalogue, self._failing)
        self._members = _connected(catalogue, self._stands_on)
        self._cascades: dict[str, Cascade] = {}
        self._beginnings: dict[str, Beginning] = {}
        self._named: dict[tuple[str, str], list[IncidentId]] = {}

    def __contains__(self, component: str) -> bool:
        """Tell whether a component is known to fail near that minute."""
        return component in self._failing

    def affected(self, component: str) -> HowMany:
        """Tell how much of a component was named as failing."""
        failing = self._failing.get(component)
        return failing.affected if failing else NOTHING

    def failure_point(self, component: str, incident_id: IncidentId) -> FailurePoint:
        """Name the failure point of an incident and the other incidents of its cascade."""
        cascade = self.cascade(component)
        start = self.beginning(component).component
        place = cascade.place(start)
        others = [it for it in self._incidents(component, start) if it != incident_id]
        return FailurePoint(
            component=start,
            probability=round(place.probability, 3) if place else None,
            cascade=tuple(others[:MOST_NAMED]),
            cascade_id=cascade.first.incident_id,
            candidates=tuple(
                Candidate(
                    component=it.component,
                    probability=round(it.probability, 3),
                    because=why(it),
                )
                for it in cascade.places[:MOST_CANDIDATES]
            ),
            pulled_down=start != component,
        )

    def outcome(self, component: str) -> str:
        """Sum up what is said of a component's failure; another outcome is worth saying so.

        It is the failure point, the cascade, the likeliest place, how sure that is, in fifths, and
        which others are among the likeliest three.
        """
        cascade = self.cascade(component)
        first, *others = cascade.places[:3]
        return "|".join(
            [
                self.beginning(component).component,
                f"{first.probability * 5:.0f}",
                str(cascade.first.incident_id),
                first.component,
                *sorted(it.component for it in others),
            ]
        )

    def cascade(self, component: str) -> Cascade:
        """Give the cascade that a failing component is in, with where it may have begun."""
        members = self._members[component]
        found = self._cascades.get(members[0])
        if found is None:
            found = self._cascades[members[0]] = rank(
                self._catalogue,
                {name: self._failing[name] for name in members if name in self._failing},
                {name: self._strictly(name) for name in members},
                self._shown[self._catalogue.island(component)],
                self._habits,
                self._window_minutes,
            )
        return found

    def _strictly(self, name: str) -> list[str]:
        """Leave out those that stand on it in turn: of a ring nobody pulls the others down."""
        reach = self._catalogue.reach
        if name not in reach:
            return []
        below = reach.strictly_below(name)
        return [it for it in self._stands_on[name] if below & reach.bits([it])]

    def beginning(self, component: str) -> Beginning:
        """Find where a component's failure began.

        It is the likeliest place that can have pulled the component down: the component itself,
        what it stands on, directly or not, or the whole that it is a part of.
        """
        found = self._beginnings.get(component)
        if found is None:
            found = self._beginnings[component] = self._find_beginning(component)
        return found

    def _find_beginning(self, component: str) -> Beginning:
        cascade = self.cascade(component)
        if component not in self._catalogue.reach:
            because = "the catalogue does not say what it stands on"
            return Beginning(component=component, undecided=(), because=because)
        possible = [it for it in cascade.places if self._pulls_down(it.component, component)]
        first, *others = possible
        return Beginning(
            first.component,
            tuple(it.component for it in others),
            self._because(component, first, cascade.places[0], len(others)),
        )

    def _pulls_down(self, place: str, component: str) -> bool:
        return self._catalogue.stands_on(component, place) or (
            self._catalogue.whole(component) == place
        )

    def _because(self, component: str, first: Place, likeliest: Place, others: int) -> str:
        window = self._window_minutes
        if first.component != component:
            because = (
                f"{component} {self._relation(component, first.component)} {first.component},"
                f" which failed at {self._since(first.component):%Y-%m-%d %H:%M:%S} UTC:"
                f" {why(first)}"
            )
        elif others:
            because = f"what it stands on explains it less: {why(first)}"
        else:
            because = f"nothing that it stands on failed within {window} minutes of it"
        if others:
            because += f"; {others} more could be it, and this is the likeliest"
        if likeliest.component != first.component:
            because += f"; near it, {likeliest.component} failed, which does not explain it"
        return because

    def _relation(self, component: str, place: str) -> str:
        return "is a part of" if self._catalogue.whole(component) == place else "stands on"

    def _since(self, component: str) -> datetime:
        members = (component, *self._catalogue.parts(component))
        return min(self._failing[it].since for it in members if it in self._failing)

    def _incidents(self, component: str, start: str) -> list[IncidentId]:
        """List the incidents of a cascade that a place set off, its own earliest first."""
        key = (self._members[component][0], start)
        found = self._named.get(key)
        if found is None:
            pulled = (
                self._failing[name]
                for name in self._members[component]
                if name in self._failing and self._pulls_down(start, name)
            )
            order = sorted(pulled, key=lambda it: (it.component != start, it.since, it.incident_id))
            found = self._named[key] = [it.incident_id for it in order[: MOST_NAMED + 1]]
        return found


def _stands_on(catalogue: Catalogue, failing: Mapping[str, Failing]) -> dict[str, list[str]]:
    """Tell what each failing component, or whole of one, stands on next that fails too.

    Next is what it stands on directly, or across components that nobody hears of. Members of a
    ring are next to each other only where one directly stands on the other.
    """
    reach = catalogue.reach
    wholes = {whole for name in failing if (whole := catalogue.whole(name))}
    names = sorted({*failing, *wholes})
    bits = reach.bits(names)
    below = {name: reach.strictly_below(name) & bits for name in names if name in reach}
    next_to: dict[str, list[str]] = {}
    for name in names:
        if name not in reach:
            next_to[name] = []
            continue
        own = reach.bits([name])
        direct = reach.direct_bits(name) & bits & ~own
        covered = 0
        if below[name] & ~direct:
            for other in reach.named(direct):
                covered |= below[other]
            for other in reach.named(below[name] & ~direct & ~covered):
                covered |= below[other]
        next_to[name] = sorted(reach.named(direct | (below[name] & ~direct & ~covered)))
    return next_to


def _connected(catalogue: Catalogue, next_to: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Give for each component all that are connected with it, in the order of their names.

    Connected are those that stand on one another, and those that directly stand on the same one or
    that the same one directly stands on, whether that one fails or not. Members of a ring, such as
    devices with a link between them, are connected only where they are directly.
    """
    reach = catalogue.reach
    beside: dict[str, set[str]] = {}
    for name, ends in next_to.items():
        around = reach.around(name) if name in reach else ()
        for other in (*ends, *around):
            beside.setdefault(name, set()).add(other)
            beside.setdefault(other, set()).add(name)
    found: dict[str, list[str]] = {}
    for name in sorted(next_to):
        if name in found:
            continue
        members, open_names = {name}, [name]
        while open_names:
            start = open_names.pop()
            new = beside.get(start, set()) - members
            members |= new
            open_names.extend(new)
        together = sorted(members & next_to.keys())
        found.update(dict.fromkeys(together, together))
    return found
