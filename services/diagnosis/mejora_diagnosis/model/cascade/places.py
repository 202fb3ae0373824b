"""Of the components of one cascade, where it may have begun, the likeliest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mejora_diagnosis.model.cascade.failing import Failing, minute_of, slot_of
from mejora_diagnosis.model.cascade.habits import Habits
from mejora_diagnosis.model.cascade.signs import KindSeen, Sign, together
from mejora_diagnosis.model.catalogue import Catalogue

_SHARE_ABOVE = 0.7
"""What it counts that all other signs are at components that stand on the place."""
_EACH_STEP = 0.2
"""What a sign counts for a place, for each further failing component that lies between."""
_HALF_HEARD = 0.1
"""With a sign of its own of this strength, half of that counts: without any, nothing does."""
_PULLED_DOWN = 0.5
"""What it counts of the strongest sign at a component that stands on the place."""
_NOWHERE = 0.2
"""The strength of what cannot be seen: that it began where nothing is known to fail."""
_SHARPNESS = 4
"""The power of its strength by which a place counts against the others."""
_OTHER_REASON = 0.2
"""How likely signs have another reason than the one that they speak for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A component where a cascade may have begun."""

    component: str
    strength: float
    probability: float
    signs: tuple[Sign, ...]
    """What speaks for it, the strongest first."""
    pulled_down: int
    """How many failing components stand on it."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """Components that failed near in time and are connected, with where it may have begun."""

    first: Failing
    """What failed first."""
    components: frozenset[str]
    places: tuple[Place, ...]

    def place(self, component: str) -> Place | None:
        """Find a component among the places where it may have begun."""
        return next((it for it in self.places if it.component == component), None)


Edges = Mapping[str, Sequence[str]]
"""From each failing component, or whole of one, to those that it stands on next."""


def rank(
    catalogue: Catalogue,
    failing: Mapping[str, Failing],
    stands_on: Edges,
    shown: Mapping[str, Mapping[str, datetime]],
    habits: Habits,
    window_minutes: int,
) -> Cascade:
    """Rank the components of a cascade as its beginning.

    `shown` tells by kind which of all that the catalogue connects show it, in this cascade or
    another, and since when: what many show at one time has no place.
    """
    first = min(failing.values(), key=lambda it: (it.since, it.incident_id))
    signs = _signs(catalogue, failing, shown, habits, first.since, window_minutes)
    own = {name: together(its) for name, its in signs.items()}
    strengths = _with_dependants(own, stands_on)
    order = sorted(
        strengths, key=lambda name: (-round(strengths[name], 9), *_tie(catalogue, failing, name))
    )
    probabilities = _probabilities([strengths[name] for name in order], habits.known)
    above: dict[str, int] = {}
    for ends in stands_on.values():
        for end in ends:
            above[end] = above.get(end, 0) + 1
    return Cascade(
        first,
        frozenset(failing),
        tuple(
            Place(
                name,
                strengths[name],
                probability,
                tuple(sorted(signs[name], key=lambda it: -it.weight)),
                above.get(name, 0),
            )
            for name, probability in zip(order, probabilities, strict=True)
        ),
    )


def _signs(
    catalogue: Catalogue,
    failing: Mapping[str, Failing],
    shown: Mapping[str, Mapping[str, datetime]],
    habits: Habits,
    began_at: datetime,
    window_minutes: int,
) -> dict[str, list[Sign]]:
    kinds = sorted({kind for it in failing.values() for kind in it.kinds})
    stretch = len(
        {
            slot_of(minute_of(since), window_minutes)
            for it in failing.values()
            for since in it.kinds.values()
        }
    )
    signs: dict[str, list[Sign]] = {name: [] for name in sorted(failing)}
    for kind in kinds:
        ages = {
            name: max(0.0, (since - began_at).total_seconds())
            for name, since in shown[kind].items()
        }
        seen = KindSeen.see(kind, ages, habits, stretch)
        showing = sorted(name for name, it in failing.items() if kind in it.kinds)
        for name in showing:
            signs[name].append(seen.at(name))
        for whole in sorted({whole for name in showing if (whole := catalogue.whole(name))}):
            signs.setdefault(whole, []).append(seen.at_parts(catalogue.parts(whole)))
    return signs


def _with_dependants(own: Mapping[str, float], stands_on: Edges) -> dict[str, float]:
    """Count for a place what it would explain: the signs at what stands on it."""
    speaking = {name: max(0.0, strength) for name, strength in own.items()}
    all_signs = sum(speaking.values()) or 1.0
    share = dict.fromkeys(own, 0.0)
    strongest = dict.fromkeys(own, 0.0)
    for name in sorted(stands_on):
        for below, steps in _below(name, stands_on).items():
            share[below] += speaking[name] / all_signs * _EACH_STEP ** (steps - 1)
        for below in stands_on[name]:
            strongest[below] = max(strongest[below], speaking[name])
    return {
        name: strength
        + _SHARE_ABOVE * share[name] * speaking[name] / (speaking[name] + _HALF_HEARD)
        + _PULLED_DOWN * min(strongest[name], speaking[name])
        for name, strength in own.items()
    }


def _below(name: str, stands_on: Edges) -> dict[str, int]:
    """Give all that a component stands on, and in how many steps."""
    steps = {name: 0}
    last = [name]
    while last:
        following = sorted(
            {end for start in last for end in stands_on.get(start, ())} - steps.keys()
        )
        steps.update(dict.fromkeys(following, max(steps.values()) + 1))
        last = following
    del steps[name]
    return steps


def _tie(
    catalogue: Catalogue, failing: Mapping[str, Failing], name: str
) -> tuple[datetime, int, str]:
    members = [name, *catalogue.parts(name)]
    since = min(failing[it].since for it in members if it in failing)
    return (since, catalogue.component(name).criticality, name)


def _probabilities(strengths: Sequence[float], known: float) -> list[float]:
    """Share out one among the places and that it began where nothing is known to fail.

    How much the signs depend on each other is not known, and so the strengths are known but for a
    factor, which a power of them leaves out. And signs that agree can still be those of something
    else: a part is shared evenly, and more while it is not yet `known` what is usual.

    Both numbers are the pair by which the first place's probability is nearest to how often it is
    right (least Brier score), over 70 injected faults in several orders, with alerts left out and
    times disturbed. Leaving out one kind of fault, or one place, gives about the same pair, and
    probabilities as near for what was left out (decision 15).
    """
    powers = [max(0.0, strength) ** _SHARPNESS for strength in strengths]
    whole = sum(powers) + _NOWHERE**_SHARPNESS
    told = (1 - _OTHER_REASON) * (1 + known) / 2
    evenly = (1 - told) / (len(powers) + 1)
    return [told * power / whole + evenly for power in powers]
