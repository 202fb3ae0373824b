"""The event feed: what goes into it, and where a reader of it stands."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from mejora_events.contracts import access, dead_letters
from mejora_events.contracts.base import EventData
from mejora_events.envelope import Event, as_cloudevent

LEFT_OUT_TOPICS = frozenset({access.TOPIC})
"""Hashes of keys are nobody's business but that of the services that check them."""


class BadCursor(ValueError):
    """A cursor that this feed has not given out."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a reader stands: behind a row of the feed.

    Rows are ordered by the transaction that wrote them, then by their number in it. Only rows of
    transactions older than every open one are shown, so nothing can appear behind a reader.
    """

    transaction: int
    row: int

    def as_cursor(self) -> str:
        """Give the position as readers carry it: opaque, and safe in an address."""
        return base64.urlsafe_b64encode(f"{self.transaction}.{self.row}".encode()).decode()

    @classmethod
    def of_cursor(cls, cursor: str) -> "Position":
        """Read a position back; raises BadCursor."""
        try:
            plain = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
            transaction, row = plain.decode("ascii").split(".")
            position = cls(int(transaction), int(row))
        except (binascii.Error, ValueError) as error:
            raise BadCursor(f"{cursor!r} is no cursor of this feed") from error
        if not (0 <= position.transaction < 1 << 63 and 0 <= position.row < 1 << 63):
            raise BadCursor(f"{cursor!r} is no cursor of this feed")
        return position


BEGINNING = Position(0, 0)


def belongs_in_feed(contract: type[EventData]) -> bool:
    """Tell whether events of a type are kept in the feed."""
    return contract.TOPIC not in LEFT_OUT_TOPICS


def as_shown(event: Event[EventData]) -> dict[str, Any]:
    """Give an event as the feed keeps it: structured CloudEvents JSON.

    A dead letter is shown without the record that failed: it may hold anything.
    """
    shown = as_cloudevent(event)
    if event.topic == dead_letters.TOPIC:
        shown["data"].pop("original_value_base64", None)
    return shown
