"""What Axiom's webhook sends, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.axiom import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def a_notification(action: str = "Open", **event: object) -> dict[str, object]:
    return {
        "action": action,
        "event": {
            "monitorID": "m-1",
            "title": "Triggered: Payments fail",
            "body": "Event Matched",
            "timestamp": "2026-03-01 11:58:00.25 +0000 UTC",
        }
        | event,
    }


def test_an_open_alert_is_understood() -> None:
    (signal,) = read(a_message(a_notification())).signals
    assert (signal.component, signal.summary) == ("Payments fail", "Triggered: Payments fail")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.UNKNOWN)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 250000, tzinfo=UTC)


def test_a_closed_alert_is_the_same_failure() -> None:
    (begun,) = read(a_message(a_notification())).signals
    told = {"title": "Resolved: Payments fail", "timestamp": "2026-03-01 12:08:00 +0000 UTC"}
    (ended,) = read(a_message(a_notification("Closed", **told))).signals
    assert ended.state is SignalState.RESOLVED and ended.fingerprint == begun.fingerprint
    assert ended.ended_at == datetime(2026, 3, 1, 12, 8, tzinfo=UTC)


def test_groups_and_matched_events_name_what_fails() -> None:
    grouped = a_notification(groupKeys=["service"], groupValues=["payments"])
    assert read(a_message(grouped)).signals[0].component == "payments"
    matched = a_notification(matchedEvent={"host": "web01"})
    assert read(a_message(matched)).signals[0].component == "web01"


@pytest.mark.parametrize("body", [None, 1, [], {}, {"event": 3}])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="event"):
        read(a_message(body))


REAL = {"keep_0.json": [Expected("New monitor", "firing", "unknown", "2025-02-15T14:59:03Z")]}


def test_the_real_ones_are_understood() -> None:
    assert_understood("axiom", REAL)
