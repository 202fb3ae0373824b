"""What all stores hold, at one look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from mejora_events.contracts import (
    access,
    catalogue,
    changes,
    diagnoses,
    fixes,
    incidents,
    problems,
    workarounds,
)


class Snapshot(NamedTuple):
    """That a store holds something, in which version, and the key of the events about it."""

    id: str
    version: int
    key: str


class Told(NamedTuple):
    """An event that a service has committed to tell."""

    event_id: UUID
    type: str
    waits: bool
    """Whether the broker has not confirmed it."""


class Received(NamedTuple):
    """An event that took effect in a store."""

    writer: str
    event_id: UUID


class Letter(NamedTuple):
    """A record that failed, that waits behind one, or that an operator dropped."""

    letter_id: UUID
    event_id: str | None
    topic: str
    key: str
    state: str
    reason: str


class Signal(NamedTuple):
    """A signal that is kept, and the incident that it belongs to."""

    source: str
    id: str
    incident_id: UUID | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame keeps in every store."""

    told: Sequence[Told] = ()
    received: Sequence[Received] = ()
    letters: Sequence[Letter] = ()


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that one service owns and others keep copies of, from its events' snapshots."""

    name: str
    topic: str
    owner: str
    copied_by: tuple[str, ...]
    every_change_told: bool = True
    """Whether each version is told; otherwise the copies hold the newest that was."""
    others_too: bool = False
    """Whether a copy may also hold what does not come from the owner."""


INCIDENT = Thing("incident", incidents.TOPIC, "intake", ("diagnosis", "problem", "improvement"))
DIAGNOSIS = Thing("diagnosis", diagnoses.TOPIC, "diagnosis", ("intake", "problem", "improvement"))
WORKAROUND = Thing("workaround", workarounds.TOPIC, "diagnosis", ("problem", "improvement"))
PROBLEM = Thing(
    "problem", problems.TOPIC, "problem", ("diagnosis", "improvement"), every_change_told=False
)
FIX = Thing("fix", fixes.TOPIC, "problem", ("diagnosis", "improvement"), every_change_told=False)
CHANGE = Thing("change", changes.TOPIC, "diagnosis", ("problem",))
ENTITY = Thing("catalogue entity", catalogue.TOPIC, "diagnosis", ("problem",))
COMPONENT = Thing("component", catalogue.TOPIC, "diagnosis", ("improvement",))
CONTRACT = Thing("contract", catalogue.TOPIC, "diagnosis", ("improvement",))
KEY = Thing("key", access.TOPIC, "intake", ("diagnosis", "problem", "improvement"), others_too=True)

THINGS = (
    INCIDENT,
    DIAGNOSIS,
    WORKAROUND,
    PROBLEM,
    FIX,
    CHANGE,
    ENTITY,
    COMPONENT,
    CONTRACT,
    KEY,
)


@dataclass(frozen=True, slots=True)
class SignalsHeld:
    """What intake holds of signals."""

    of_ledger: Sequence[Signal] = ()
    """Those that a ledger names."""
    doubled: Sequence[tuple[str, str]] = ()
    """Source and id of those that are there more than once."""
    counted: Mapping[str, int] = field(default_factory=dict)
    """By incident: how many signals opened, repeated or reopened it."""
    occurrences: Mapping[str, int] = field(default_factory=dict)
    """By incident: how often it says that it was told to be failing."""


class ProblemCount(NamedTuple):
    """How many incidents a problem says it has."""

    problem_id: str
    incidents: int


@dataclass(frozen=True, slots=True)
class FeedHeld:
    """What the improvement service holds of all events."""

    events: Mapping[Received, int] = field(default_factory=dict)
    """How often each is there."""
    newest_told: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By thing and id: the newest version that was ever told."""


@dataclass(slots=True)
class Picture:
    """What all stores hold. Each store is one snapshot; they are taken one after the other."""

    frames: Mapping[str, Frame] = field(default_factory=dict)
    held: Mapping[tuple[str, str], Sequence[Snapshot]] = field(default_factory=dict)
    """By the name of a thing and a service: the owner's own, or a copy."""
    signals: SignalsHeld = field(default_factory=SignalsHeld)
    signatures: Mapping[str, str] = field(default_factory=dict)
    """The signature of each diagnosed incident, as diagnosis says."""
    problem_counts: Mapping[str, ProblemCount] = field(default_factory=dict)
    """By signature."""
    feed: FeedHeld = field(default_factory=FeedHeld)
