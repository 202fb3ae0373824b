"""What every source's reader needs: getting what can be had, and saying what could not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal


class NotUnderstood(ValueError):
    """A body that is nothing of what its source sends; the message says what was expected."""


@dataclass(slots=True)
class Understood:
    """The signals of a body, and remarks on what could not be understood."""

    signals: list[Signal] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def text_of(value: object, most: int = 10_000) -> str:
    """Give a value as text that a store can keep, cut to a length."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    return text[:most].replace("\x00", "\N{REPLACEMENT CHARACTER}").strip()


def labels_of(value: object) -> dict[str, str]:
    """Give a mapping as labels; anything else is no labels."""
    if not isinstance(value, Mapping):
        return {}
    return {text_of(name, 200): text_of(label, 2000) for name, label in value.items()}


def time_of(value: object) -> datetime | None:
    """Read an RFC 3339 time, of any fraction; None for none, for year 1 and for what is no time."""
    if not isinstance(value, str) or not value:
        return None
    try:
        time = datetime.fromisoformat(_with_six_digits(value.strip()))
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year > 1 else None


def _with_six_digits(value: str) -> str:
    """Cut a fraction of a second to what Python keeps (Go writes nine digits)."""
    head, dot, tail = value.partition(".")
    if not dot:
        return value
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"


_SEVERITIES = {
    Severity.CRITICAL: ("critical", "crit", "fatal", "emergency", "disaster", "page", "p1", "sev1"),
    Severity.ERROR: ("error", "err", "major", "high", "alert", "p2", "sev2"),
    Severity.WARNING: ("warning", "warn", "minor", "average", "medium", "ticket", "p3", "sev3"),
    Severity.INFO: ("info", "information", "informational", "low", "none", "notice", "p4", "p5"),
}
_SEVERITY_OF = {word: severity for severity, words in _SEVERITIES.items() for word in words}


def severity_of(value: object) -> Severity:
    """Map a severity that people chose the word for."""
    return _SEVERITY_OF.get(text_of(value).lower(), Severity.UNKNOWN)


def digest(*parts: str) -> str:
    """Give a short stable name for some parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def first_of(labels: Mapping[str, Any], *names: str) -> str:
    """Give the first of some names that has a value."""
    for name in names:
        if text := text_of(labels.get(name)):
            return text
    return ""
