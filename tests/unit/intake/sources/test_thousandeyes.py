"""What ThousandEyes sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.thousandeyes import read
from support.messages import Expected, a_message, assert_understood


def an_alert(event: str = "ALERT_NOTIFICATION_TRIGGER", **given: object) -> dict[str, object]:
    return {
        "eventId": "e-1",
        "eventType": event,
        "alert": {
            "alertId": 118039164,
            "severity": "Major",
            "testName": "Shop",
            "ruleName": "Errors",
            "ruleExpression": "Response Code is any error",
            "dateStart": "2026-03-01 06:58:00",
            "dateStartZoned": "2026-03-01 06:58:00 EST",
            "agents": [{"agentName": "New York", "metricsAtStart": "Response Code: 502"}],
        }
        | given,
    }


def test_a_triggered_alert_is_firing_since_its_start_in_the_zone_it_names() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.summary) == ("Shop", "Shop: Errors")
    assert "New York: Response Code: 502" in signal.description
    assert signal.severity is Severity.ERROR
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_a_cleared_alert_ends_the_same_failure() -> None:
    body = an_alert("ALERT_NOTIFICATION_CLEAR", dateEndZoned="2026-03-01 12:00:00 UTC")
    (signal,) = read(a_message(body)).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "118039164")
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.ended_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("number", "state"), [(2, "firing"), (1, "resolved")])
def test_a_custom_webhook_has_a_type(number: int, state: str) -> None:
    alert = {"id": "a1", "test": {"name": "Shop"}, "rule": {"name": "Errors"}}
    (signal,) = read(a_message({"type": {"id": number}, "alert": alert})).signals
    assert (signal.component, signal.state.value, signal.fingerprint) == ("Shop", state, "a1")


def test_an_alert_of_an_agent_is_of_the_agent() -> None:
    (signal,) = read(a_message(an_alert(testName=None, agentName="branch-7"))).signals
    assert signal.component == "branch-7"


def test_a_test_is_remarked_on() -> None:
    assert not read(a_message({"eventType": "WEBHOOK_TEST", "eventId": "1"})).signals


@pytest.mark.parametrize("body", [{}, [], None, {"eventType": "ALERT_NOTIFICATION_TRIGGER"}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "keep_0.json": [Expected("te", "firing", "info", "2025-03-24T17:28:40Z")],
    "keep_1.json": [
        Expected("https://pdf.ezhil.dev - HTTP Server", "resolved", "info", "2025-03-17T19:43:00Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("thousandeyes", REAL)
