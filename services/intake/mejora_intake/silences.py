"""The rules of maintenance windows and silences: which signals they keep from becoming incidents.

A silence names what it is about by components, business processes, labels and sources. All that is
given must match; of a list, any one. What counts is the time at which a signal is received.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Protocol
from uuid import UUID

from mejora_events.contracts.base import Origin
from mejora_intake.belonging import Belonging
from mejora_intake.model import NotNow, Signal, SignalState


class SilenceKind(StrEnum):
    """Why nobody is to be bothered."""

    MAINTENANCE = "maintenance"
    """Work on it was announced."""
    SILENCE = "silence"
    """Its signals are known and of no use now."""


class SilenceState(StrEnum):
    """Where a silence is in its life."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """A maintenance window or a silence."""

    silence_id: UUID
    kind: SilenceKind
    components: tuple[str, ...]
    processes: tuple[str, ...]
    """Business processes: what they stand on is meant."""
    labels: Mapping[str, str]
    """Each of these labels must have exactly this value."""
    sources: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    """When it was to end when it was declared."""
    reason: str
    declared_by: str
    declared_at: datetime
    ended_at: datetime | None = None
    """When somebody ended it before its time."""
    ended_by: str | None = None

    @property
    def over_at(self) -> datetime:
        """Tell when it is over: from then on it applies to nothing."""
        return min(self.ends_at, self.ended_at or self.ends_at)

    def state_at(self, now: datetime) -> SilenceState:
        """Tell whether it has begun and whether it is over."""
        if self.over_at <= now:
            return SilenceState.EXPIRED
        return SilenceState.ACTIVE if self.starts_at <= now else SilenceState.SCHEDULED

    @property
    def rule(self) -> str:
        """Tell, in words, by which rule a signal was suppressed."""
        named = "maintenance window" if self.kind is SilenceKind.MAINTENANCE else "silence"
        until = self.over_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return f"{named} «{self.reason}» until {until} (silence {self.silence_id})"


def check_end(silence: Silence, *, at: datetime) -> None:
    """Raise NotNow when a silence cannot be ended, since it is over."""
    if silence.state_at(at) is SilenceState.EXPIRED:
        over_at = silence.over_at.isoformat().replace("+00:00", "Z")
        raise NotNow(f"it is over since {over_at}")


def goes_on_silenced(signal: Signal) -> bool:
    """Tell whether a suppressed signal tells of a failure to be looked at once that is over.

    The end of what customers report is told by nobody; that of imported history comes with it.
    """
    return signal.origin is Origin.INTERNAL and signal.received_at is None


class Failing(Protocol):
    """What a silence looks at: a signal, or an incident."""

    @property
    def source(self) -> str: ...

    @property
    def component(self) -> str: ...

    @property
    def labels(self) -> Mapping[str, str] | None: ...


@dataclass(frozen=True, slots=True)
class _Matcher:
    """A silence in force, with its names resolved."""

    silence: Silence
    components: frozenset[str] | None
    """The components that it is about, by the catalogue's names; None for any."""

    def concerns(self, component: str) -> bool:
        return self.components is None or component in self.components

    def matches(self, failing: Failing) -> bool:
        """Tell whether all that is given matches beside the component."""
        if self.silence.sources and failing.source not in self.silence.sources:
            return False
        labels = failing.labels or {}
        return all(labels.get(name) == value for name, value in self.silence.labels.items())


class _InForce:
    """The silences in force at a time, found by the component that they are about."""

    def __init__(self, matchers: Sequence[_Matcher]) -> None:
        self.matchers = matchers
        self._named = frozenset[str]().union(*(m.components or () for m in matchers))
        self._about_any = [m for m in matchers if m.components is None]
        self._about: dict[str, list[_Matcher]] = {}

    def about(self, component: str) -> list[_Matcher]:
        """Give those that may apply to a component."""
        if component not in self._named:
            return self._about_any
        if (found := self._about.get(component)) is None:
            found = self._about[component] = [m for m in self.matchers if m.concerns(component)]
        return found


class Silences:
    """All silences that were ever declared, and what is asked of them; they do not change."""

    def __init__(
        self, silences: Iterable[Silence] = (), belonging: Belonging | None = None
    ) -> None:
        self._all = tuple(silences)
        self._belonging = belonging or Belonging()
        self._in_force: dict[int, _InForce] = {}
        """By how many moments have passed at which one begins or is over."""

    @cached_property
    def _moments(self) -> list[datetime]:
        return sorted(when for s in self._all for when in (s.starts_at, s.over_at))

    def applying(self, failing: Failing, at: datetime) -> list[Silence]:
        """Give the silences that apply to something at a time: the one that ends last first."""
        in_force = self._at(at)
        if not in_force.matchers:
            return []
        component = self._belonging.component(failing.component)
        return [m.silence for m in in_force.about(component) if m.matches(failing)]

    def remarks_on(self, processes: Iterable[str]) -> list[str]:
        """Say which of some processes mean nothing, as the catalogue is now."""
        return [
            f"the catalogue has no process {process!r}: nothing is matched by it"
            for process in processes
            if not self._belonging.knows(process)
        ]

    def suppressing(self, signals: Sequence[Signal], now: datetime) -> dict[int, Silence]:
        """Tell which of some signals are suppressed, by their places, and the silence that does it.

        Only what says that something fails can be. Where several silences apply, the one that ends
        last decides. A signal is received now unless it tells another time.
        """
        if not self._all:
            return {}
        return {
            place: applying[0]
            for place, signal in enumerate(signals)
            if signal.state is SignalState.FIRING
            and (applying := self.applying(signal, signal.received_at or now))
        }

    def _at(self, at: datetime) -> _InForce:
        passed = bisect_right(self._moments, at)
        in_force = self._in_force.get(passed)
        if in_force is None:
            active = [s for s in self._all if s.state_at(at) is SilenceState.ACTIVE]
            active.sort(key=lambda s: s.silence_id)
            active.sort(key=lambda s: s.over_at, reverse=True)
            in_force = self._in_force[passed] = _InForce([self._matcher(one) for one in active])
        return in_force

    def _matcher(self, silence: Silence) -> _Matcher:
        named = frozenset(map(self._belonging.component, silence.components))
        of_processes = frozenset[str]().union(
            *(self._belonging.components_of(process) for process in silence.processes)
        )
        if not silence.processes:
            return _Matcher(silence, named if silence.components else None)
        return _Matcher(silence, named & of_processes if silence.components else of_processes)
