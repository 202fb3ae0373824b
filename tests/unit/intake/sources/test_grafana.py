"""What Grafana sends, by its documentation."""

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.grafana import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood
from support.real_data import REAL_DATA


def an_alert(**given: object) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {"alertname": "Queue too long", "service": "orders", "severity": "warning"},
        "annotations": {"summary": "The queue of orders grows"},
        "startsAt": "2026-03-01T12:40:00+01:00",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://grafana.example/alerting/1/view",
        "fingerprint": "c6eadffa33fcdf37",
        "dashboardURL": "https://grafana.example/d/1",
        "panelURL": "",
        "silenceURL": "https://grafana.example/silence",
    } | given


def a_group(*alerts: object, **given: object) -> dict[str, object]:
    return {"status": "firing", "orgId": 1, "groupKey": "{}:{}", "alerts": list(alerts)} | given


def a_rule(**given: object) -> dict[str, object]:
    return {
        "orgId": 1,
        "ruleId": 7,
        "ruleName": "Queue too long",
        "ruleUrl": "https://grafana.example/d/1",
        "state": "alerting",
        "tags": {},
        "evalMatches": [{"metric": "length", "value": 100, "tags": {"service": "orders"}}],
    } | given


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_a_firing_alert_is_understood() -> None:
    signal = only(a_group(an_alert()))
    assert (signal.component, signal.severity) == ("orders", Severity.WARNING)
    assert signal.started_at.isoformat() == "2026-03-01T11:40:00+00:00"
    assert [link.text for link in signal.links] == ["graph", "dashboard", "silence"]


def test_a_resolved_alert_has_the_fingerprint_of_the_firing_one() -> None:
    ended = an_alert(status="resolved", endsAt="2026-03-01T11:59:00Z")
    firing, resolved = read(a_message(a_group(an_alert(), ended))).signals
    assert resolved.state is SignalState.RESOLVED
    assert resolved.fingerprint == firing.fingerprint and resolved.id != firing.id


def test_an_alert_about_missing_data_is_named_by_its_rule() -> None:
    labels = {"alertname": "DatasourceNoData", "rulename": "Queue too long"}
    assert only(a_group(an_alert(labels=labels))).component == "Queue too long"


def test_a_test_of_the_contact_point_tells_of_no_failure() -> None:
    understood = read(a_message(a_group(an_alert(), groupKey="test-1-2")))
    assert not understood.signals and "test" in understood.remarks[0]


def test_a_test_of_the_legacy_channel_tells_of_no_failure() -> None:
    understood = read(a_message(a_rule(ruleId=0, ruleName="Test notification")))
    assert not understood.signals and "test" in understood.remarks[0]


def test_a_legacy_rule_fires_and_is_resolved_as_the_same_failure() -> None:
    firing, resolved = only(a_rule()), only(a_rule(state="ok", evalMatches=[]))
    assert (firing.state, resolved.state) == (SignalState.FIRING, SignalState.RESOLVED)
    assert firing.component == "orders" and resolved.component == "Queue too long"
    assert firing.fingerprint == resolved.fingerprint


def test_a_legacy_rule_that_lacks_data_is_firing() -> None:
    assert only(a_rule(state="no_data")).state is SignalState.FIRING


@pytest.mark.parametrize("state", ["pending", "paused", "unknown", None, 7])
def test_other_states_of_a_legacy_rule_are_no_failure(state: object) -> None:
    understood = read(a_message(a_rule(state=state)))
    assert not understood.signals and understood.remarks


def test_the_contact_points_test_is_an_alert_of_grafanas_own() -> None:
    """grafana.com, webhook notifier, test notifications."""
    labels = {"alertname": "TestAlert", "instance": "Grafana"}
    assert not read(a_message(a_group(an_alert(labels=labels)))).signals
    assert read(a_message(a_group(an_alert(labels=labels), an_alert()))).signals


@pytest.mark.parametrize("body", [None, [], "text", {}, {"title": "no condition"}])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="a Grafana webhook"):
        read(a_message(body))


REAL = {
    "zulip_alert.json": [Expected("Test rule", "firing", "unknown", None)],
    "zulip_alert_ok.json": [Expected("Test rule", "resolved", "unknown", None)],
    "zulip_alert_paused.json": [],
    "zulip_alert_pending.json": [],
    "zulip_main_alert_multiple_v8.json": [
        Expected("High memory usage", "firing", "unknown", "2021-10-12T07:51:03Z"),
        Expected("High CPU usage", "firing", "unknown", "2021-10-12T07:56:03Z"),
    ],
    "zulip_main_alert_values_v11.json": [
        Expected("Memory (copy)", "firing", "unknown", "2024-03-01T02:09:00Z")
    ],
    "zulip_no_data_alert.json": [Expected("No Data alert", "firing", "unknown", None)],
    "zulip_no_message_alert.json": [Expected("No Message alert", "firing", "unknown", None)],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("grafana", REAL)


PROVISIONED = {
    "keep_HighMemoryConsumption.json": ("High Memory Usage", "warning"),
    "keep_NetworkLatencyIsHigh.json": ("Network Latency High", "info"),
}


@pytest.mark.parametrize("name", PROVISIONED)
def test_a_rule_as_it_is_provisioned_is_an_alert_of_it(name: str) -> None:
    body = REAL_DATA / "webhooks" / "grafana_keep" / name
    if not body.exists():
        pytest.skip("the real data is not there (MEJORA_REAL_DATA)")
    signal = only(orjson.loads(body.read_bytes()))
    assert (signal.component, signal.severity.value) == PROVISIONED[name]
    assert signal.state is SignalState.FIRING
