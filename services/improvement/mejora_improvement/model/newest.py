"""Projections: of all snapshots of one thing, the newest version wins.

This is what makes order and repetition harmless: whichever way the events of a thing are dealt
out over batches, repeated or delayed, what stays is the snapshot with the highest version.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Protocol, TypeVar


class Versioned(Protocol):
    """Anything that counts its own changes."""

    @property
    def version(self) -> int:
        """Tell how many times it has been written, this one included."""
        ...


SnapshotT = TypeVar("SnapshotT", bound=Versioned)


def newest(
    snapshots: Iterable[SnapshotT], identify: Callable[[SnapshotT], Hashable]
) -> list[SnapshotT]:
    """Keep the highest version of each thing, in the order in which the things first appear."""
    kept: dict[Hashable, SnapshotT] = {}
    for snapshot in snapshots:
        identity = identify(snapshot)
        known = kept.get(identity)
        if known is None or snapshot.version > known.version:
            kept[identity] = snapshot
    return list(kept.values())
