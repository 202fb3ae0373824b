"""The quick way to read signals in Mejora's own words: in one pass, as nearly all of them come.

It takes only what `SignalPosted` takes, and reads it alike, in about a third of the time. Whatever
may be read otherwise is left to that, which also says what is wrong with what is wrong.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from mejora_events.contracts.base import FIRST_MOMENT, LAST_MOMENT, Origin, Severity
from mejora_intake.model import SignalState

Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
Description = Annotated[str, Meta(max_length=100_000)]
Name = Annotated[str, Meta(min_length=1, max_length=500)]
Time = Annotated[datetime, Meta(tz=True)]


class QuickLink(msgspec.Struct, frozen=True):
    """A link as `Link` has it."""

    href: str
    text: str = ""


class QuickSignal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signal as `SignalPosted` has it."""

    source: Text
    component: Name
    summary: Text
    id: Name | None = None
    fingerprint: Name | None = None
    description: Description = ""
    state: SignalState = SignalState.FIRING
    severity: Severity = Severity.UNKNOWN
    started_at: Time | None = None
    ended_at: Time | None = None
    origin: Origin = Origin.INTERNAL
    labels: dict[str, str] = {}
    links: tuple[QuickLink, ...] = ()
    received_at: Time | None = None


_SPLIT = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(QuickSignal)


def quickly(bodies: Sequence[bytes | msgspec.Raw]) -> list[QuickSignal] | None:
    """Read signals; None where one of them is for `SignalPosted` to read."""
    try:
        read = [_ONE.decode(body) for body in bodies]
    except (msgspec.MsgspecError, RecursionError):
        return None
    return read if all(map(_is_plain, read)) else None


def split(array: bytes) -> list[bytes] | None:
    """Give the elements of an array as they came; None where it is none."""
    try:
        return [bytes(element) for element in _SPLIT.decode(array)]
    except (msgspec.MsgspecError, RecursionError):
        return None


def _is_plain(signal: QuickSignal) -> bool:
    """Tell whether nothing is to be taken off its texts, and its times are in UTC."""
    return (
        signal.source == signal.source.strip()
        and signal.component == signal.component.strip()
        and signal.summary == signal.summary.strip()
        and signal.description == signal.description.strip()
        and (signal.id is None or signal.id == signal.id.strip())
        and (signal.fingerprint is None or signal.fingerprint == signal.fingerprint.strip())
        and _is_storable(signal.started_at)
        and _is_storable(signal.ended_at)
        and _is_storable(signal.received_at)
    )


def _is_storable(time: datetime | None) -> bool:
    return time is None or (time.tzinfo is UTC and FIRST_MOMENT <= time <= LAST_MOMENT)
