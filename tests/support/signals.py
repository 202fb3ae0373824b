"""Signals for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_signal(**given: Any) -> Signal:
    """A firing signal of noon; name what is to differ."""
    wanted: dict[str, Any] = {
        "source": "monitor",
        "id": "1",
        "fingerprint": "f",
        "component": "payments",
        "summary": "Payments time out",
        "state": SignalState.FIRING,
        "severity": Severity.ERROR,
        "started_at": NOON,
        "ended_at": None,
    }
    return Signal(**(wanted | given))


def resolved(**given: Any) -> Signal:
    """A resolved signal of ten minutes past noon."""
    ended = {"id": "2", "state": SignalState.RESOLVED, "ended_at": NOON + timedelta(minutes=10)}
    return a_signal(**(ended | given))
