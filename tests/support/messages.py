"""Messages of monitors, and what real ones must be understood as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from mejora_intake.model import Signal
from mejora_intake.sources import KINDS
from mejora_intake.sources.kind import Message, NotUnderstood, Understood
from support.real_data import REAL_DATA

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When messages are received."""


def a_message(body: object, source: str = "monitor", **headers: str) -> Message:
    """Make a message of a JSON value, or of bytes as they are."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Message(raw, source, NOW, named)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a real message must be understood as, by its vendor's documentation."""

    component: str
    state: str
    severity: str
    started_at: str | None
    """As RFC 3339; None where the message does not say, so that it is when it came."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A real message that must be refused, with words that the reason holds."""

    reason: str


Expectations = Mapping[str, Sequence[Expected] | Refused]
"""By file name. No signals at all for what tells of no failure."""


def real_bodies(folder: str) -> list[Path]:
    """Give the real bodies of a folder, of which there may be none; skip where there is no data."""
    if not (REAL_DATA / "webhooks").is_dir():
        pytest.skip("the real data is not there (MEJORA_REAL_DATA)")
    return sorted((REAL_DATA / "webhooks" / folder).glob("*.json"))


def assert_understood(kind: str, expectations: Expectations) -> None:
    """Hold every real body of a kind against what is expected of it.

    A body for which nothing is expected must be understood or refused for a reason; that there is
    none of those in the data given is held by `test_real_webhooks`.
    """
    wrong = []
    for body in real_bodies(kind):
        expected = expectations.get(body.name)
        try:
            understood = KINDS[kind].read(Message(body.read_bytes(), kind, NOW))
        except NotUnderstood as error:
            if not isinstance(expected, Refused) or expected.reason not in str(error):
                wrong.append(f"{body.name}: refused: {error}")
            continue
        if isinstance(expected, Refused):
            wrong.append(f"{body.name}: should be refused: {expected.reason}")
        elif expected is not None:
            wrong += _differences(body.name, understood, expected)
    assert not wrong, "\n".join(wrong)


def _differences(name: str, understood: Understood, expected: Sequence[Expected]) -> list[str]:
    found = [_as_expected(signal) for signal in understood.signals]
    return [] if found == list(expected) else [f"{name}:\n  {found}\n  {list(expected)}"]


def _as_expected(signal: Signal) -> Expected:
    when = None if signal.started_at == NOW else signal.started_at
    written = None
    if when is not None:
        whole = when if when.microsecond == 0 else when - timedelta(microseconds=when.microsecond)
        written = whole.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Expected(signal.component, signal.state.value, signal.severity.value, written)
