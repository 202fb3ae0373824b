"""What Graylog sends, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.graylog import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def a_notification(**event: object) -> dict[str, object]:
    return {
        "event_definition_id": "d-1",
        "event_definition_type": "aggregation-v1",
        "event_definition_title": "Payments fail",
        "event": {
            "id": "e-1",
            "message": "Payments fail: 7",
            "timestamp": "2026-03-01T11:58:00.000Z",
            "source": "graylog.example",
            "key": "payments",
            "priority": 3,
            "fields": {"service": "payments"},
        }
        | event,
        "backlog": [],
    }


def test_an_event_is_understood() -> None:
    (signal,) = read(a_message(a_notification())).signals
    assert (signal.component, signal.summary) == ("payments", "Payments fail: 7")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("priority", "severity"),
    [(1, Severity.INFO), (2, Severity.WARNING), (4, Severity.CRITICAL), (None, Severity.UNKNOWN)],
)
def test_its_priority_is_its_severity(priority: object, severity: Severity) -> None:
    assert read(a_message(a_notification(priority=priority))).signals[0].severity is severity


def test_what_all_messages_are_from_is_what_fails() -> None:
    body = a_notification(fields={}) | {"backlog": [{"source": "web01"}, {"source": "web01"}]}
    assert read(a_message(body)).signals[0].component == "web01"
    body = a_notification(fields={}) | {"backlog": [{"source": "web01"}, {"source": "web02"}]}
    assert read(a_message(body)).signals[0].component == "graylog.example"


def test_an_event_happens_at_its_own_time_not_when_the_search_begins() -> None:
    """go2docs.graylog.org, alert notifications: `event.timestamp` and `event.timerange_start`."""
    told = a_notification(timerange_start="2026-03-01T11:53:00.000Z")
    assert read(a_message(told)).signals[0].started_at.minute == 58
    told = a_notification(timestamp=None, timerange_start="2026-03-01T11:53:00.000Z")
    assert read(a_message(told)).signals[0].started_at.minute == 53


def test_the_same_key_of_a_definition_is_the_same_failure() -> None:
    one = read(a_message(a_notification())).signals[0]
    next_one = read(a_message(a_notification(id="e-2"))).signals[0]
    other = read(a_message(a_notification(key="orders"))).signals[0]
    assert next_one.fingerprint == one.fingerprint and next_one.id != one.id
    assert other.fingerprint != one.fingerprint


def test_a_test_tells_of_no_failure() -> None:
    understood = read(a_message(a_notification() | {"event_definition_type": "test-dummy-v1"}))
    assert understood.signals == [] and "test" in understood.remarks[0]


@pytest.mark.parametrize("body", [None, 1, [], {}, {"event": 3}])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="check_result"):
        read(a_message(body))


REAL = {
    "alerta_graylog_notification.json": [
        Expected("127.0.0.1", "firing", "unknown", "2015-09-10T09:45:54Z")
    ],
    "keep_0.json": [Expected("server", "firing", "error", "2024-10-24T10:22:04Z")],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("graylog", REAL)
