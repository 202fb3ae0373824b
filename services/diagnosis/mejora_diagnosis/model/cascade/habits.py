"""How usual it is that something fails: what is read off the times when anything failed.

A kind of failure that comes up whenever anything fails tells nothing of where a failure began.
How often that is can be known of every installation from its own incidents, whatever its monitors
call things, and without anybody having to say what was true in the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

KEPT_SLOTS = 63
"""Of how many of the last slots in which anything failed it is remembered what did."""
NEEDED_SLOTS = 2 * KEPT_SLOTS
"""How many of the last slots in which anything failed can matter to what is told late."""
_FADING = 0.8
"""What a slot counts towards what is usual lately, for each slot that came after it."""
_PRIOR_SLOTS = 4.0
"""How many slots what happens elsewhere counts for: soon outweighed by a component's own."""
_ELSEWHERE_PRIOR = 2.0
_FIRST_TIME = 0.05
"""How likely a kind of failure is that was never heard of: what a couple of strangers show."""
_ALMOST_SURE = 0.98

_FADED = tuple(_FADING**slot for slot in range(KEPT_SLOTS))

Slots = int
"""In which of the last slots something failed: bit i stands for the i-th before now."""


@lru_cache(maxsize=65_536)
def _lately(slots: Slots) -> float:
    return sum(_FADED[slot] for slot in range(slots.bit_length()) if slots >> slot & 1)


@dataclass(frozen=True, slots=True)
class Habits:
    """What failed in the last slots in which anything did, before a cascade."""

    slots: int = 0
    """How many such slots are remembered."""
    fired: Mapping[str, Mapping[str, Slots]] = field(default_factory=dict)
    """In which of them each kind of failure came up at each component."""
    _unsteady: dict[str, float] = field(default_factory=dict, compare=False, repr=False)
    """How many components fail in each way without being the same ones, as far as worked out."""

    def of(self, kind: str) -> Mapping[str, Slots]:
        """Give in which slots a kind of failure came up at which component."""
        return self.fired.get(kind, {})

    @property
    def known(self) -> float:
        """Tell how far what is remembered is enough to know what is usual."""
        return self.slots / (self.slots + _PRIOR_SLOTS)

    def noise(self, kind: str, stretch: int) -> float:
        """Expect how many components fail in this way anyway, though not always the same."""
        if not self.slots:
            return 3.0
        unsteady = self._unsteady.get(kind)
        if unsteady is None:
            shares = (slots.bit_count() / self.slots for slots in self.of(kind).values())
            unsteady = self._unsteady[kind] = sum(share * (1 - share) for share in shares)
        return unsteady * stretch * self.known + 3.0 * (1 - self.known)

    def usual(self, slots: Slots, elsewhere: float, stretch: int) -> float:
        """Say how likely it is that what failed in those slots fails in a stretch of them anyway.

        What became usual of late counts as such at once; what is forgotten lately does not count
        as rare. With nothing remembered, what happens elsewhere is what is to be expected.
        """
        return _usual(slots, self.slots, elsewhere, stretch)


@lru_cache(maxsize=65_536)
def _usual(slots: Slots, of_slots: int, elsewhere: float, stretch: int) -> float:
    here = 1 - (1 - elsewhere) ** (1 / stretch)
    all_lately = _lately((1 << of_slots) - 1)
    lately = (_lately(slots) + _PRIOR_SLOTS * here) / (all_lately + _PRIOR_SLOTS)
    ever = (slots.bit_count() + _PRIOR_SLOTS * here) / (of_slots + _PRIOR_SLOTS)
    return float(min(1 - (1 - max(lately, ever)) ** stretch, _ALMOST_SURE))


def elsewhere(failing: int, others: int) -> float:
    """Say how likely a kind of failure is, from how many of the others show it at this time."""
    return (failing + _ELSEWHERE_PRIOR * _FIRST_TIME) / (others + _ELSEWHERE_PRIOR)
