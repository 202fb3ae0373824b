"""What Google Cloud Monitoring sends, by its documentation."""

import base64
from datetime import UTC, datetime

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.gcp_monitoring import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def a_notification(version: str = "1.2", **given: object) -> dict[str, object]:
    return {
        "version": version,
        "incident": {
            "incident_id": "0.abc",
            "url": "https://console.cloud.google.com/monitoring/alerting/incidents/0.abc",
            "started_at": 1772366280,
            "ended_at": None,
            "state": "open",
            "severity": "Error",
            "summary": "Latency of payments is above 3 s",
            "resource": {"type": "cloud_run_revision", "labels": {"service_name": "payments"}},
            "resource_name": "shop Cloud Run Revision labels {service_name=payments}",
            "policy_name": "Latency",
            "policy_user_labels": {"team": "shop"},
        }
        | given,
    }


def test_an_open_incident_is_understood() -> None:
    (signal,) = read(a_message(a_notification())).signals
    assert (signal.component, signal.state) == ("payments", SignalState.FIRING)
    assert signal.severity is Severity.ERROR
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.labels is not None and signal.labels["team"] == "shop"
    assert [link.text for link in signal.links] == ["incident"]


def test_a_container_is_more_specific_than_its_cluster() -> None:
    """cloud.google.com, monitored resource types, `k8s_container`."""
    labels = {"cluster_name": "eu", "namespace_name": "shop", "container_name": "payments"}
    told = a_notification(resource={"type": "k8s_container", "labels": labels}, resource_name="")
    assert read(a_message(told)).signals[0].component == "payments"


def test_a_closed_incident_is_the_same_failure() -> None:
    closed = a_notification(state="CLOSED", ended_at=1772366880)
    (begun,) = read(a_message(a_notification())).signals
    (ended,) = read(a_message(closed)).signals
    assert ended.state is SignalState.RESOLVED and ended.fingerprint == begun.fingerprint
    assert ended.ended_at == datetime(2026, 3, 1, 12, 8, tzinfo=UTC)


def test_it_may_come_by_pubsub() -> None:
    packed = base64.b64encode(orjson.dumps(a_notification())).decode()
    (signal,) = read(a_message({"message": {"data": packed}, "subscription": "s"})).signals
    assert signal.component == "payments"


def test_the_consoles_test_tells_of_no_failure() -> None:
    understood = read(a_message(a_notification(version="test")))
    assert understood.signals == [] and "test" in understood.remarks[0]


@pytest.mark.parametrize("body", [None, 1, [], {}, {"incident": 3}, {"message": {"data": "%"}}])
def test_what_is_no_incident_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="incident"):
        read(a_message(body))


REAL = {
    "alerta_stackdriver_closed.json": [
        Expected("webserver-85", "resolved", "unknown", "2017-07-06T19:10:14Z")
    ],
    "alerta_stackdriver_open.json": [
        Expected("webserver-85", "firing", "unknown", "2017-07-06T19:10:14Z")
    ],
    "keep_database_latency.json": [Expected("Production MySQL Main", "firing", "warning", None)],
    "keep_high_memory_usage.json": [Expected("Production Web Server 1", "firing", "warning", None)],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("gcp_monitoring", REAL)
