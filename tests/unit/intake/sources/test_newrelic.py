"""What New Relic's webhooks send, by its documentation."""

from urllib.parse import urlencode

import orjson
import pytest

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.newrelic import read
from support.messages import Expected, a_message, assert_understood


def an_issue(state: object = "ACTIVATED", /, **given: object) -> dict[str, object]:
    return {
        "id": "d1b1f3fd",
        "issueUrl": "https://one.newrelic.com/issues/d1b1f3fd",
        "title": ["Orders are late"],
        "priority": "CRITICAL",
        "impactedEntities": ["orders", "billing"],
        "state": state,
        "trigger": "STATE_CHANGE",
        "createdAt": 1772365800000,
        "updatedAt": 1772366100000,
        "alertPolicyNames": ["Shop"],
        "alertConditionNames": ["Slow"],
    } | given


def an_incident(state: object = "open", /, **given: object) -> dict[str, object]:
    return {
        "incident_id": 123,
        "condition_name": "Slow",
        "policy_name": "Shop",
        "current_state": state,
        "severity": "WARNING",
        "details": "Orders are late",
        "event_type": "INCIDENT",
        "targets": [{"id": "1", "name": "orders", "labels": {"team": "shop"}}],
        "timestamp": 1772365800000,
    } | given


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_an_activated_issue_is_a_failure_of_its_first_entity() -> None:
    signal = only(an_issue())
    assert (signal.component, signal.summary) == ("orders", "Orders are late")
    assert (signal.state.value, signal.severity.value) == ("firing", "critical")
    assert signal.started_at.isoformat() == "2026-03-01T11:50:00+00:00"


def test_a_closed_issue_is_the_same_failure_and_has_ended() -> None:
    closed = only(an_issue("CLOSED"))
    assert closed.state is SignalState.RESOLVED
    assert closed.fingerprint == only(an_issue()).fingerprint
    assert closed.ended_at is not None and closed.ended_at.minute == 55


def test_an_open_incident_is_a_failure_of_its_target() -> None:
    signal = only(an_incident())
    assert (signal.component, signal.summary) == ("orders", "Orders are late")
    assert (signal.state.value, signal.severity.value) == ("firing", "warning")
    assert signal.labels is not None and signal.labels["team"] == "shop"


def test_a_closed_incident_began_as_long_before_as_it_has_lasted() -> None:
    closed = only(an_incident("closed", duration=300_000))
    assert (closed.state, closed.fingerprint) == (SignalState.RESOLVED, "123")
    assert (closed.started_at.minute, closed.ended_at and closed.ended_at.minute) == (45, 50)


def test_targets_may_be_a_text_of_json() -> None:
    assert only(an_incident(targets='[{"name": "billing"}]')).component == "billing"


def test_the_condition_has_failed_when_no_target_has_a_name() -> None:
    assert only(an_incident(targets=[{"id": "0", "name": ""}])).component == "Slow"


@pytest.mark.parametrize(
    ("said", "severity"),
    [("CRITICAL", "critical"), ("HIGH", "error"), ("MEDIUM", "warning"), ("LOW", "info")],
)
def test_severity_is_the_issues_priority(said: str, severity: str) -> None:
    assert only(an_issue(priority=said)).severity.value == severity


def test_an_alert_of_apm_comes_as_json_within_a_form() -> None:
    alert = {
        "application_name": "orders",
        "severity": "critical",
        "message": "Apdex score fell below critical level of 0.90",
        "short_description": "[orders] alert opened",
        "alert_url": "https://rpm.newrelic.com/accounts/1/incidents/3",
        "created_at": "2026-03-01T11:50:00+00:00",
    }
    ended = alert | {"short_description": "[orders] alert ended", "message": "Alert ended"}
    firing, resolved = (
        only(urlencode({"alert": orjson.dumps(body).decode()}).encode()) for body in (alert, ended)
    )
    assert (firing.component, firing.state) == ("orders", SignalState.FIRING)
    assert firing.started_at.minute == 50
    assert resolved.state is SignalState.RESOLVED
    assert resolved.fingerprint == firing.fingerprint


@pytest.mark.parametrize(
    "body",
    [
        an_issue("ACKNOWLEDGED"),
        an_incident("acknowledged"),
        an_incident("hello world"),
        an_incident(None, event_type=""),
        an_incident(event_type="NOTIFICATION"),
        {"deployment": '{"revision": "1"}'},
        {"alert": {"short_description": "[orders] alert acknowledged"}},
    ],
)
def test_other_states_and_messages_tell_of_no_failure(body: object) -> None:
    understood = read(a_message(body))
    assert not understood.signals and understood.remarks


def test_a_deactivated_issue_has_ended_and_a_test_tells_of_no_failure() -> None:
    """docs.newrelic.com, issues' states; workflows, "Send test notification"."""
    assert only(an_issue("DEACTIVATED")).state is SignalState.RESOLVED
    assert not read(a_message(an_issue(isTest=True))).signals


@pytest.mark.parametrize(
    "body",
    [
        {"tags": "a", "payload": an_incident(targets={"id": "1", "name": "orders"})},
        {"incident_id": "d1", "condition_name": ["Slow"], "current_state": "OPEN"}
        | {"impactedEntities": ["orders"], "severity": "WARNING", "createdAt": 1772365800000},
        {"issueUrl": "https://one.newrelic.com/i", "state": "ACTIVATED", "priority": "MEDIUM"}
        | {"entityNames": ["orders"], "conditionName": "Slow", "createdAt": 1772365800000},
    ],
)
def test_a_template_for_another_product_is_read_as_well(body: object) -> None:
    """docs.newrelic.com, webhook payload templates: the names are the customer's."""
    signal = only(body)
    assert (signal.component, signal.state) == ("orders", SignalState.FIRING)
    assert (signal.severity.value, signal.started_at.minute) == ("warning", 50)


def test_a_variable_that_was_not_filled_in_says_nothing() -> None:
    """docs.newrelic.com, customize your webhook payload: $EVENT_STATE and the rest."""
    told = {"current_state": "$EVENT_STATE", "event_type": "INCIDENT_OPEN", "severity": "$SEVERITY"}
    signal = only(an_incident(**told))
    assert (signal.state, signal.severity.value) == (SignalState.FIRING, "unknown")


@pytest.mark.parametrize("body", [None, [], "text", {}, {"timestamp": 1}, {"alert": "text"}])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "alerta_new_relic_notification.json": [
        Expected("New Relic Alert - Test Condition", "firing", "info", "2020-09-25T11:23:27Z")
    ],
    "zulip_incident_acknowledged_old.json": [],
    "zulip_incident_active_new.json": [
        Expected("Server Down", "firing", "unknown", "2020-11-11T22:32:11Z")
    ],
    "zulip_incident_closed_old.json": [
        Expected("Server Down", "resolved", "unknown", "2020-11-11T22:32:11Z")
    ],
    "zulip_incident_default_fields_old.json": [
        Expected("unknown", "firing", "unknown", "2020-11-11T22:32:11Z")
    ],
    "zulip_incident_malformatted_time_new.json": [],
    "zulip_incident_missing_current_state_old.json": [],
    "zulip_incident_opened_old.json": [
        Expected("Server Down", "firing", "unknown", "2020-11-11T22:32:11Z")
    ],
    "zulip_incident_state_not_recognized_new.json": [],
    "zulip_incident_state_not_recognized_old.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("newrelic", REAL)
