"""What Opsgenie's webhook sends, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.opsgenie import read
from support.messages import Expected, a_message, assert_understood

CREATED = datetime(2026, 3, 1, 11, 50, tzinfo=UTC)
CLOSED = datetime(2026, 3, 1, 11, 59, tzinfo=UTC)


def an_action(action: object = "Create", **given: object) -> dict[str, object]:
    return {
        "action": action,
        "integrationName": "Mejora",
        "alert": {
            "alertId": "052652ac",
            "message": "Orders are late",
            "entity": "orders",
            "alias": "orders-late",
            "tags": ["shop"],
            "source": "someone@example.com",
            "username": "someone@example.com",
            "priority": "P2",
            "createdAt": int(CREATED.timestamp()) * 1000,
            "updatedAt": int(CLOSED.timestamp()) * 1_000_000_000 + 603,
        }
        | given,
    }


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_a_created_alert_is_a_failure_of_its_entity() -> None:
    signal = only(an_action())
    assert (signal.component, signal.summary) == ("orders", "Orders are late")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at == CREATED
    assert signal.labels is not None and signal.labels["tags"] == "shop"


def test_a_closed_alert_is_the_same_failure_and_has_ended() -> None:
    created, closed = only(an_action()), only(an_action("Close"))
    assert closed.state is SignalState.RESOLVED
    assert closed.fingerprint == created.fingerprint and closed.id != created.id
    assert (closed.started_at, closed.ended_at) == (CREATED, CLOSED)


@pytest.mark.parametrize(
    ("given", "component"),
    [
        ({"entity": "", "details": {"Service": "billing"}}, "billing"),
        ({"entity": "", "source": "web01"}, "web01"),
        ({"entity": ""}, "Orders are late"),
    ],
)
def test_what_failed_without_an_entity(given: dict[str, object], component: str) -> None:
    assert only(an_action(**given)).component == component


@pytest.mark.parametrize(
    ("priority", "severity"),
    [("P1", "critical"), ("P3", "warning"), (3, "warning"), ("P5", "info"), (None, "unknown")],
)
def test_severity_is_the_priority(priority: object, severity: str) -> None:
    assert only(an_action(priority=priority)).severity.value == severity


@pytest.mark.parametrize("action", ["Acknowledge", "AddNote", "Escalate", "Delete", "Our action"])
def test_other_actions_tell_of_no_failure(action: str) -> None:
    understood = read(a_message(an_action(action)))
    assert not understood.signals and action in understood.remarks[0]


def test_a_created_alert_that_is_missing_is_remarked_on() -> None:
    understood = read(a_message({"action": "Create", "alert": "text"}))
    assert not understood.signals and understood.remarks


@pytest.mark.parametrize("body", [None, [], "text", {}, {"alert": {}}])
def test_what_is_no_webhook_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="an Opsgenie webhook"):
        read(a_message(body))


REAL = {
    "zulip_acknowledge.json": [],
    "zulip_addnote.json": [],
    "zulip_addteam.json": [],
    "zulip_close.json": [Expected("test alert", "resolved", "unknown", "2015-01-05T10:03:11Z")],
    "zulip_create.json": [Expected("Server", "firing", "warning", "2017-08-14T11:25:56Z")],
    "zulip_customaction.json": [],
    "zulip_delete.json": [],
    "zulip_escalate.json": [],
    "zulip_takeownership.json": [],
    "zulip_unacknowledge.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("opsgenie", REAL)
