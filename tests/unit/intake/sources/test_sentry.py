"""What Sentry's webhooks send, by its documentation."""

from datetime import UTC, datetime

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.sentry import read
from support.messages import Expected, a_message, assert_understood
from support.real_data import REAL_DATA


def an_issue(action: str | None, **given: object) -> dict[str, object]:
    issue = {
        "id": "1170820242",
        "shortId": "ORDERS-1",
        "title": "ReferenceError: total is not defined",
        "culprit": "checkout in cart",
        "level": "error",
        "status": "unresolved",
        "firstSeen": "2026-03-01T11:00:00Z",
        "lastSeen": "2026-03-01T11:50:00Z",
        "project": {"id": "1", "name": "The orders", "slug": "orders"},
    } | given
    return {"action": action, "data": {"issue": issue}}


def an_event(**given: object) -> dict[str, object]:
    return {
        "event_id": "e4874d664c3540c1a32eab185f12c5ab",
        "project": 1,
        "title": "ReferenceError: total is not defined",
        "level": "fatal",
        "datetime": "2026-03-01T11:00:00.5Z",
        "tags": [["environment", "production"], "no pair"],
        "url": "https://sentry.io/api/0/projects/acme/orders/events/e4874d/",
        "web_url": "https://sentry.io/organizations/acme/issues/1170820242/events/e4874d/",
    } | given


def a_metric_alert(action: str, **given: object) -> dict[str, object]:
    alert = {
        "id": "4",
        "title": "Too many errors",
        "projects": ["orders"],
        "date_started": "2026-03-01T11:00:00Z",
        "date_closed": None,
        "alert_rule": {"name": "Too many errors"},
    } | given
    return {"action": action, "data": {"description_title": "Too many", "metric_alert": alert}}


def only(body: object, **headers: str) -> Signal:
    (signal,) = read(a_message(body, **headers)).signals
    return signal


def test_a_created_issue_is_a_failure_of_its_project() -> None:
    signal = only(an_issue("created"))
    assert (signal.component, signal.fingerprint) == ("orders", "1170820242")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at.isoformat() == "2026-03-01T11:00:00+00:00"


def test_a_resolved_issue_ends_when_the_hook_says() -> None:
    ended = datetime(2026, 3, 1, 11, 55, tzinfo=UTC)
    resolved = only(an_issue("resolved"), sentry_hook_timestamp=str(int(ended.timestamp())))
    assert (resolved.state, resolved.ended_at) == (SignalState.RESOLVED, ended)
    assert resolved.fingerprint == only(an_issue("created")).fingerprint


def test_an_issue_that_is_back_fails_since_it_was_last_seen() -> None:
    signal = only(an_issue("unresolved"))
    assert signal.state is SignalState.FIRING and signal.started_at.minute == 50


def test_an_issues_status_counts_when_no_action_says_more() -> None:
    assert only(an_issue(None)).state is SignalState.FIRING
    assert only(an_issue("triggered", status="resolved")).state is SignalState.RESOLVED
    assert not read(a_message(an_issue("triggered", status="ignored"))).signals


@pytest.mark.parametrize("resource", ["event", "error"])
def test_an_event_is_a_failure_of_its_issue_and_project(resource: str) -> None:
    signal = only({"action": "triggered", "data": {resource: an_event()}})
    assert (signal.component, signal.fingerprint) == ("orders", "1170820242")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.CRITICAL)
    assert signal.labels == {"environment": "production"}


def test_every_event_of_an_issue_is_a_message_of_its_own() -> None:
    bodies = ({"action": "triggered", "data": {"event": an_event(event_id=name)}} for name in "aab")
    first, again, other = (only(body) for body in bodies)
    assert first.id == again.id != other.id and first.fingerprint == other.fingerprint


def test_the_plugins_message_names_the_issue_and_the_project() -> None:
    body = {
        "id": "1170820242",
        "project": "orders",
        "project_name": "The orders",
        "level": "warning",
        "message": "",
        "url": "https://sentry.io/acme/orders/issues/1170820242/",
        "event": {"title": "Slow", "received": 1772362800},
    }
    signal = only(body)
    assert (signal.component, signal.summary) == ("orders", "Slow")
    assert signal.fingerprint == "1170820242"
    assert signal.started_at.isoformat() == "2026-03-01T11:00:00+00:00"


@pytest.mark.parametrize(
    ("action", "state", "severity"),
    [
        ("critical", "firing", "critical"),
        ("warning", "firing", "warning"),
        ("resolved", "resolved", "unknown"),
    ],
)
def test_a_metric_alert_is_one_failure_whatever_it_becomes(
    action: str, state: str, severity: str
) -> None:
    signal = only(a_metric_alert(action, date_closed="2026-03-01T11:55:00Z"))
    assert (signal.component, signal.fingerprint) == ("orders", "metric_alert/4")
    assert (signal.state.value, signal.severity.value) == (state, severity)
    assert signal.started_at.isoformat() == "2026-03-01T11:00:00+00:00"


@pytest.mark.parametrize(
    "body",
    [
        an_issue("assigned"),
        an_issue("archived"),
        {"action": "created", "data": {"comment": "adding a comment", "issue_id": 100}},
        {"action": "deleted", "data": {"installation": {"uuid": "a"}}},
    ],
)
def test_other_resources_and_actions_tell_of_no_failure(body: object) -> None:
    understood = read(a_message(body))
    assert not understood.signals and understood.remarks


@pytest.mark.parametrize("body", [None, [], "text", {}, {"data": {}}, {"data": {"a": 1}}])
def test_what_is_no_webhook_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="a Sentry webhook"):
        read(a_message(body))


_AN_ALERT = "zulip-integration-testing"

REAL = {
    "alertacontrib_payload_1.json": [
        Expected("alerta5", "firing", "error", "2018-05-02T08:07:10Z")
    ],
    "alertacontrib_payload_v9_2.json": [
        Expected("internal", "firing", "error", "2019-12-17T10:26:44Z")
    ],
    "versus_sentry_0.json": [
        Expected("example-project", "firing", "error", "2023-10-01T12:00:00Z")
    ],
    "zulip_deprecated_exception_message.json": [
        Expected("zulip", "firing", "error", "2016-09-06T18:12:45Z")
    ],
    "zulip_event_for_exception_golang.json": [
        Expected(_AN_ALERT, "firing", "error", "2020-04-29T11:23:45Z")
    ],
    "zulip_event_for_exception_js.json": [
        Expected(_AN_ALERT, "firing", "error", "2020-06-17T14:42:54Z")
    ],
    "zulip_event_for_exception_node.json": [
        Expected(_AN_ALERT, "firing", "error", "2020-04-30T06:19:33Z")
    ],
    "zulip_event_for_exception_python.json": [
        Expected(_AN_ALERT, "firing", "error", "2020-04-28T13:56:05Z")
    ],
    "zulip_event_for_message_python.json": [
        Expected(_AN_ALERT, "firing", "info", "2020-04-28T14:05:04Z")
    ],
    "zulip_issue_assigned_to_individual.json": [],
    "zulip_issue_ignored.json": [],
    "zulip_issue_resolved.json": [Expected(_AN_ALERT, "resolved", "error", "2020-04-30T05:54:15Z")],
    "zulip_webhook_event_for_exception_javascript.json": [
        Expected("live", "firing", "error", "2020-10-26T16:39:54Z")
    ],
    "zulip_webhook_event_for_exception_python.json": [
        Expected("foo-live", "firing", "error", "2020-10-21T23:25:11Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("sentry", REAL)


def test_a_simulated_one_of_the_plugin_is_understood() -> None:
    body = REAL_DATA / "webhooks" / "sentry_keep" / "keep_server_overload.json"
    if not body.exists():
        pytest.skip("the real data is not there (MEJORA_REAL_DATA)")
    signal = only(orjson.loads(body.read_bytes()))
    assert (signal.component, signal.fingerprint) == ("frontend-app", "4616132098")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at.replace(microsecond=0).isoformat() == "2024-03-09T13:36:25+00:00"
