"""What Coralogix' generic webhook sends, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.coralogix import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def an_alert(*fields: tuple[str, object], **given: object) -> dict[str, object]:
    told = {
        "application": "shop",
        "subsystem": "payments",
        "severity": "CRITICAL",
        "timestampISO": "2026-03-01T11:58:00.254Z",
        "dedupKey": "d-1",
        "text": "$LOG_TEXT",
    } | dict(fields)
    return {
        "uuid": "u-1",
        "alert_id": "a-1",
        "name": "Payments fail",
        "alert_action": "trigger",
        "service": "$SERVICE",
        "fields": [{"key": key, "value": value} for key, value in told.items()],
    } | given


def test_a_triggered_alert_is_understood_without_empty_placeholders() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.summary) == ("payments", "Payments fail")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.CRITICAL)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 254000, tzinfo=UTC)
    assert signal.description == ""


def test_a_resolved_alert_is_the_same_failure() -> None:
    (begun,) = read(a_message(an_alert())).signals
    (ended,) = read(a_message(an_alert(alert_action="resolve"))).signals
    assert ended.state is SignalState.RESOLVED and ended.fingerprint == begun.fingerprint


def test_priority_stands_for_severity_where_there_is_none() -> None:
    alert = an_alert(("severity", "$EVENT_SEVERITY"), ("priority", "P2"))
    assert read(a_message(alert)).signals[0].severity is Severity.ERROR


def test_the_time_may_be_written_with_strokes() -> None:
    alert = an_alert(("timestampISO", None), ("timestamp", "2026/03/01 11:58:00 GMT"))
    (signal,) = read(a_message(alert)).signals
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


@pytest.mark.parametrize("body", [None, 1, [], {}, {"name": "x"}])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="alert_action"):
        read(a_message(body))


REAL = {"keep_0.json": [Expected("Keep", "firing", "error", "2024-08-14T21:28:56Z")]}


def test_the_real_ones_are_understood() -> None:
    assert_understood("coralogix", REAL)
