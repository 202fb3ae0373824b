"""Which CloudEvents tell of a failure, in each of the modes of their HTTP binding."""

import base64
from datetime import UTC, datetime

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.cloudevents import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import NOW, Expected, a_message, assert_understood


def an_event(data: object = None, **given: object) -> dict[str, object]:
    failure = {
        "service": "payments",
        "status": "firing",
        "severity": "critical",
        "message": "p99 above 3 s",
    }
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/shop/monitors",
        "type": "com.example.check",
        "time": "2026-03-01T11:58:00Z",
        "data": failure if data is None else data,
    } | given


def test_data_with_a_signals_fields_is_a_signal() -> None:
    (signal,) = read(a_message(an_event())).signals
    assert (signal.component, signal.summary) == ("payments", "p99 above 3 s")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.CRITICAL)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_its_end_is_the_same_failure() -> None:
    ended = an_event({"service": "payments", "status": "resolved"}, id="e-2")
    (begun,) = read(a_message(an_event())).signals
    (over,) = read(a_message(ended)).signals
    assert over.state is SignalState.RESOLVED and over.fingerprint == begun.fingerprint
    assert over.ended_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC) and over.id != begun.id


def test_the_type_may_say_what_the_data_does_not() -> None:
    opened = an_event({"title": "Slow"}, type="com.example.incident.opened", subject="payments")
    closed = an_event({"title": "Slow"}, type="com.example.incident.closed", subject="payments")
    (begun,) = read(a_message(opened)).signals
    (over,) = read(a_message(closed)).signals
    assert (begun.component, begun.state) == ("payments", SignalState.FIRING)
    assert over.state is SignalState.RESOLVED and over.fingerprint == begun.fingerprint


def test_a_severity_alone_says_that_it_fails() -> None:
    (signal,) = read(a_message(an_event({"host": "web01", "severity": "major"}))).signals
    assert (signal.component, signal.severity) == ("web01", Severity.ERROR)
    assert read(a_message(an_event({"host": "web01", "severity": "info"}))).signals == []


def test_words_of_orders_and_accounts_count_only_for_alerts() -> None:
    opened = an_event({"service": "bank", "status": "active"}, type="com.example.account.opened")
    assert read(a_message(opened)).signals == []
    alert = an_event({"service": "bank", "status": "active"}, type="com.example.alert")
    assert read(a_message(alert)).signals[0].state is SignalState.FIRING


def test_the_binary_mode_has_its_attributes_in_headers() -> None:
    body = orjson.dumps({"service": "payments", "status": "down"})
    headers = {"ce_specversion": "1.0", "ce_type": "com.example.check", "ce_id": "e%201"}
    (signal,) = read(a_message(body, ce_source="/shop", content_type="a/b", **headers)).signals
    assert (signal.component, signal.started_at) == ("payments", NOW)
    assert signal.id.endswith(":e 1")


def test_a_batch_loses_none_of_its_events() -> None:
    understood = read(a_message([an_event(), 7, an_event(id="e-2")]))
    assert len(understood.signals) == 2
    assert understood.remarks == ["what is no CloudEvent was left out"]


def test_data_may_be_in_base64() -> None:
    packed = base64.b64encode(orjson.dumps({"service": "payments", "status": "down"})).decode()
    event = an_event(data_base64=packed)
    del event["data"]
    assert read(a_message(event)).signals[0].component == "payments"


@pytest.mark.parametrize(
    ("kind", "data", "component"),
    [
        ("com.amazon.events", {"AlarmName": "Slow", "NewStateValue": "ALARM"}, "Slow"),
        (
            "Microsoft.AlertsManagement.alert",
            {"data": {"essentials": {"configurationItems": ["web01"]}}},
            "web01",
        ),
        (
            "google.cloud.pubsub.topic.v1.messagePublished",
            {
                "message": {
                    "data": base64.b64encode(
                        orjson.dumps({"incident": {"incident_id": "1", "resource_name": "web01"}})
                    ).decode()
                }
            },
            "web01",
        ),
    ],
)
def test_what_a_known_monitor_sends_is_read_as_its_own(
    kind: str, data: object, component: str
) -> None:
    (signal,) = read(a_message(an_event(data, type=kind))).signals
    assert signal.component == component


@pytest.mark.parametrize(
    ("kind", "given", "component", "severity"),
    [
        ("com.example.backup.failed", {"subject": "db1"}, "db1", "unknown"),
        ("com.example.backup.failed.v1", {"source": "//jobs/nightly"}, "nightly", "unknown"),
        ("com.example.disk.error", {"subject": "db1"}, "db1", "error"),
        ("dev.cdevents.incident.detected.0.2.0", {"subject": "shop"}, "shop", "unknown"),
    ],
)
def test_the_type_alone_may_say_that_something_fails(
    kind: str, given: dict[str, object], component: str, severity: str
) -> None:
    """CloudEvents 1.0: `type` describes what happened, `subject` to what within the `source`."""
    (signal,) = read(a_message(an_event({"n": 1}, type=kind, **given))).signals
    assert (signal.state, signal.component) == (SignalState.FIRING, component)
    assert signal.severity.value == severity


def test_what_it_is_about_may_lie_deeper() -> None:
    """learn.microsoft.com, Event Grid, HealthResources.AvailabilityStatusChanged."""
    told = {"availabilityState": "Unavailable"}
    data = {"resourceInfo": {"id": "/vms/vm1", "name": "vm1", "properties": told}}
    kind = "Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged"
    (signal,) = read(a_message(an_event(data, type=kind))).signals
    assert (signal.component, signal.state) == ("vm1", SignalState.FIRING)


@pytest.mark.parametrize("data", [{"orderId": 1}, {"service": "shop", "version": "2"}, "text", 1.5])
def test_other_events_get_a_remark(data: object) -> None:
    understood = read(a_message(an_event(data)))
    assert understood.signals == []
    assert understood.remarks == ["com.example.check: an event that tells of no failure"]


@pytest.mark.parametrize("body", [None, 1, [], {}, [1], {"type": "x"}, {"specversion": "1.0"}])
def test_what_is_no_event_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="specversion"):
        read(a_message(body))


REAL: dict[str, list[Expected]] = {
    "correlation_0.json": [],
    "correlation_2.json": [],
    "correlation_3.json": [],
    "correlation_5.json": [],
    "dataref_1.json": [],
    "json_format_2.json": [],
    "json_format_3.json": [],
    "json_format_4.json": [],
    "json_format_5.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("cloudevents", REAL)
