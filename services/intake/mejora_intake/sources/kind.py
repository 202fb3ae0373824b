"""What a kind of monitor is: a name, what it sends, and how that becomes signals."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from mejora_intake.model import Signal


class NotUnderstood(ValueError):
    """A body that is nothing of what its source sends; the message says what was expected."""


class NotJson(NotUnderstood):
    """A body that should be JSON and is none."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a monitor posted."""

    body: bytes
    source: str
    """The name under which the signals are kept."""
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""

    def json(self) -> Any:
        """Decode the body; raises NotJson."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            try:
                return _almost_json(self.body)
            except (ValueError, TypeError, RecursionError):
                raise NotJson(f"the body is no JSON ({error})") from error

    def kept(self) -> bytes:
        """Give the body as JSON: as it came, or as near as can be, or as one text."""
        try:
            orjson.loads(self.body)
        except orjson.JSONDecodeError:
            try:
                return orjson.dumps(self.json())
            except NotJson:
                return orjson.dumps(self.body.decode("utf-8", "replace"))
        return self.body


def _almost_json(body: bytes) -> Any:
    """Decode what programs write for JSON that is nearly it.

    NaN and infinities are null, a text may hold line breaks, and bytes may be Windows-1252's.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("cp1252", "replace")
    # Once more through the strict one: what it cannot hold (depth, half characters) is no JSON.
    return orjson.loads(orjson.dumps(json.loads(text, strict=False)))


@dataclass(slots=True)
class Understood:
    """The signals of a message, and remarks on what could not be understood.

    A message that tells of no failure (a test, a subscription, a comment) has no signals and a
    remark that says what it is.
    """

    signals: list[Signal] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of monitor. Its name is its path: POST /intake/v1/hooks/{name}."""

    name: str
    title: str
    expects: str
    """What to set up in the monitor, and what it then sends, in a sentence or two."""
    documentation: str
    """Where the vendor describes the format."""
    read: Callable[[Message], Understood]
    """Turns a message into signals; raises NotUnderstood when it is nothing of this kind."""
