"""How strongly what failed points to a component, or to all instances of one.

Each kind of failure is weighed on its own: how much likelier is what is seen of it if the failure
began at that place than if it did not. It is unlikely anyway what seldom happens there, and what
few others show at the time. A place is one component, or a component that is made of parts: then
its parts are expected to show the same, and one that stands out among them speaks for itself.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log1p
from typing import NamedTuple

from mejora_diagnosis.model.cascade.habits import Habits, Slots, elsewhere

_SHOWN = 0.7
"""How likely a component shows a kind of failure that began there and shows in that kind."""
_OF_THIS_KIND = 0.3
"""How likely a failure shows in a kind that is never seen without cause."""
_AGE_SECONDS = 200.0
"""What comes so long after the cascade's first incident counts for a third."""
_MOST = 300.0
"""How much likelier one kind can make a place: siblings that fail together may have a reason."""
_KIN = 0.5
"""How far parts of one component fail independently of each other anyway."""


class Sign(NamedTuple):
    """What one kind of failure says for or against a place."""

    kind: str
    weight: float
    """The logarithm of how much likelier the place is by it."""
    failing: int
    """How many components of the place show it."""
    of: int
    usual: float
    """How likely as much of it is seen there anyway."""


@dataclass(frozen=True, slots=True)
class KindSeen:
    """A kind of failure at a time: who shows it, how promptly, and who did before."""

    kind: str
    shown: Mapping[str, float]
    """How much each component that shows it counts, by when it began to."""
    before: Mapping[str, Slots]
    habits: Habits
    stretch: int
    others: int
    """How many components ever show it."""
    plausible: float
    """How likely a failure shows in it."""

    @classmethod
    def see(cls, kind: str, ages: Mapping[str, float], habits: Habits, stretch: int) -> "KindSeen":
        """Take what is seen of a kind; `ages` are seconds after the cascade's first incident."""
        before = habits.of(kind)
        return cls(
            kind=kind,
            shown={name: exp(-age / _AGE_SECONDS) for name, age in ages.items()},
            before=before,
            habits=habits,
            stretch=stretch,
            others=len(before.keys() | ages.keys()),
            plausible=_OF_THIS_KIND / (1 + habits.noise(kind, stretch)),
        )

    def at(self, component: str) -> Sign:
        """Weigh what it says for a component that shows it."""
        usual = self._usual(component, elsewhere(len(self.shown) - 1, self.others - 1))
        return self._sign(_likelier(usual), self.shown[component], 1, 1, usual)

    def at_parts(self, parts: Sequence[str]) -> Sign:
        """Weigh what it says for a component some of whose parts show it.

        Once as if each part failed by itself, once by how often as many of them do at one time:
        the more careful of the two counts.
        """
        showing = [part for part in parts if part in self.shown]
        count = len(showing)
        ever = sum(part in self.shown or part in self.before for part in parts)
        around = elsewhere(len(self.shown) - count, self.others - ever)
        apart = 1.0
        for part in parts:
            shown = part in self.shown
            apart *= _likelier(self._usual(part, around)) if shown else 1 - _SHOWN
        together = self.habits.usual(
            _at_once([self.before.get(part, 0) for part in parts], count),
            around ** (1 + (count - 1) * _KIN),
            self.stretch,
        )
        promptly = sum(self.shown[part] for part in showing) / count
        ratio = min(apart, _likelier(together))
        return self._sign(ratio, promptly, count, len(parts), together)

    def _usual(self, component: str, around: float) -> float:
        return self.habits.usual(self.before.get(component, 0), around, self.stretch)

    def _sign(self, ratio: float, promptly: float, failing: int, of: int, usual: float) -> Sign:
        gain = min(ratio, _MOST) - 1
        weight = log1p(self.plausible * gain * (promptly if gain > 0 else 1))
        return Sign(self.kind, weight, failing, of, usual)


def _likelier(usual: float) -> float:
    """Say how much likelier something is seen with a failure than without."""
    return (1 - (1 - usual) * (1 - _SHOWN)) / usual


def _at_once(before: Collection[Slots], count: int) -> Slots:
    """Give the slots in which at least so many did it."""
    at_least: list[Slots] = [0] * (count + 1)
    at_least[0] = -1
    for slots in before:
        for number in range(count, 0, -1):
            at_least[number] |= at_least[number - 1] & slots
    return at_least[count]


_EACH_FURTHER = 0.8
"""Signs of one failure come together: each counts so much less than the one before it."""


def together(signs: Collection[Sign]) -> float:
    """Sum up what the signs say for a place, the strongest first."""
    speaking = sorted((it.weight for it in signs if it.weight > 0), reverse=True)
    against = sum(it.weight for it in signs if it.weight < 0)
    return sum(weight * _EACH_FURTHER**place for place, weight in enumerate(speaking)) + against
