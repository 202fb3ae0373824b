"""What reading a catalogue gives: its entities with where they stood, or all that is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mejora_events.contracts.catalogue import Entity

MOST_FAULTS = 50
"""How many are told at once; a document in the wrong form has as many as lines."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a document."""

    line: int | None
    """Counted from 1; None where it is about the whole, or nobody can tell."""
    entity: str
    what: str
    advice: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line is not None else ""
        return f"{where}{self.entity}: {self.what}; {self.advice}"


Remark = Fault
"""The same, of something that does not keep the document from being used."""


class UnreadableCatalogue(Exception):
    """A document cannot be used; nothing of it was taken over."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults[:MOST_FAULTS])
        self.more = max(0, len(faults) - MOST_FAULTS)


@dataclass(frozen=True, slots=True)
class Placed:
    """An entity and the line on which it stood."""

    entity: Entity
    line: int | None


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What a document says."""

    placed: tuple[Placed, ...]
    remarks: tuple[Remark, ...] = ()
    unknown_join: bool = field(default=False)
    """Whether components that are only referred to join as unlisted; else they are faults."""

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Give the entities alone."""
        return tuple(it.entity for it in self.placed)
