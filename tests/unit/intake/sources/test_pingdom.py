"""What Pingdom sends, by its documentation of state change webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.pingdom import read
from support.messages import Expected, a_message, assert_understood


def a_change(**given: object) -> dict[str, object]:
    return {
        "check_id": 12345,
        "check_name": "Shop",
        "check_type": "HTTP",
        "check_params": {"hostname": "shop.example", "full_url": "https://shop.example/"},
        "tags": ["web", "eu"],
        "previous_state": "UP",
        "current_state": "DOWN",
        "importance_level": "HIGH",
        "state_changed_timestamp": 1772366280,
        "description": "HTTP Error 503",
        "long_description": "Service Unavailable",
        "version": 1,
    } | given


def test_a_check_that_is_down_is_firing() -> None:
    (signal,) = read(a_message(a_change())).signals
    assert (signal.component, signal.state) == ("Shop", SignalState.FIRING)
    assert signal.summary == "Shop is down: HTTP Error 503"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.severity is Severity.CRITICAL
    assert signal.labels is not None and signal.labels["tags"] == "web, eu"


def test_a_transaction_fails_and_succeeds() -> None:
    failing = a_change(check_type="TRANSACTION", current_state="FAILING", importance_level="LOW")
    passing = a_change(check_type="TRANSACTION", current_state="SUCCESS")
    one, two = (read(a_message(body)).signals[0] for body in (failing, passing))
    assert (one.state, one.severity) == (SignalState.FIRING, Severity.WARNING)
    assert two.state is SignalState.RESOLVED and two.fingerprint == one.fingerprint
    assert two.ended_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_a_repeated_message_has_the_same_id() -> None:
    one, two = (read(a_message(a_change())).signals[0] for _ in range(2))
    assert one.id == two.id


def test_beepmanager_opens_and_closes_incidents() -> None:
    incident = {"check": "9", "checkname": "Shop", "incidentid": "77", "description": "down"}
    opened = read(a_message(incident | {"action": "assign"})).signals[0]
    closed = read(a_message(incident | {"action": "notify_of_close", "description": "up"})).signals[
        0
    ]
    assert (opened.state, closed.state) == (SignalState.FIRING, SignalState.RESOLVED)
    assert opened.fingerprint == closed.fingerprint == "9"


def test_a_paused_check_is_no_failure() -> None:
    understood = read(a_message(a_change(current_state="PAUSED")))
    assert not understood.signals and "PAUSED" in understood.remarks[0]


@pytest.mark.parametrize("body", [{}, [], None, {"check_id": 1}, b"x"])
def test_what_is_no_webhook_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "alerta_pingdom_down.json": [
        Expected("Alerta API on OpenShift", "firing", "critical", "2017-06-30T22:25:43Z")
    ],
    "alerta_pingdom_up.json": [
        Expected("Alerta API on OpenShift", "resolved", "critical", "2017-06-30T22:30:43Z")
    ],
    "zulip_http_up_to_down.json": [
        Expected("Test check", "firing", "unknown", "2016-03-14T07:10:34Z")
    ],
    "zulip_imap_down_to_up.json": [
        Expected("IMAP check", "resolved", "unknown", "2016-03-15T19:33:00Z")
    ],
    "zulip_imap_up_to_down.json": [
        Expected("IMAP check", "firing", "unknown", "2016-03-15T19:18:00Z")
    ],
    "zulip_smtp_up_to_down.json": [
        Expected("SMTP check", "firing", "unknown", "2016-03-15T19:02:24Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("pingdom", REAL)
