"""What SignalFx's detectors send to a webhook, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.signalfx import read
from support.messages import Expected, a_message, assert_understood


def a_notification(**given: object) -> dict[str, object]:
    return {
        "incidentId": "i-1",
        "severity": "Major",
        "status": "too high",
        "statusExtended": "anomalous",
        "detector": "Latency",
        "rule": "p99 above 3 s",
        "messageTitle": "Major Alert: p99 above 3 s (Latency)",
        "timestamp": "2026-03-01T11:58:00Z",
        "dimensions": {"host": "web01", "sf_service": "payments"},
        "detectorUrl": "https://app.signalfx.com/#/detector/1",
    } | given


def test_an_anomaly_is_understood() -> None:
    (signal,) = read(a_message(a_notification())).signals
    assert (signal.component, signal.state) == ("payments", SignalState.FIRING)
    assert signal.severity is Severity.ERROR
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


@pytest.mark.parametrize("said", ["ok", "manually resolved", "stopped"])
def test_its_end_is_the_same_failure(said: str) -> None:
    begun = read(a_message(a_notification())).signals[0]
    told = {"statusExtended": said, "timestamp": 1772366880000}
    (ended,) = read(a_message(a_notification(**told))).signals
    assert ended.state is SignalState.RESOLVED and ended.fingerprint == begun.fingerprint
    assert ended.ended_at == datetime(2026, 3, 1, 12, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "severity"),
    [("Critical", Severity.CRITICAL), ("Minor", Severity.WARNING), ("Info", Severity.INFO)],
)
def test_the_scale_of_severities(said: str, severity: Severity) -> None:
    assert read(a_message(a_notification(severity=said))).signals[0].severity is severity


def test_without_dimensions_the_inputs_or_the_detector_name_what_fails() -> None:
    inputs = {"A": {"key": {"service": "orders"}, "value": "1"}}
    assert read(a_message(a_notification(dimensions={}, inputs=inputs))).signals[0].component == (
        "orders"
    )
    assert read(a_message(a_notification(dimensions=None))).signals[0].component == "Latency"


@pytest.mark.parametrize("body", [None, 1, [], {}, {"severity": "Major"}])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="incidentId"):
        read(a_message(body))


REAL = {"keep_simulate.json": [Expected("logs", "firing", "critical", None)]}


def test_the_real_ones_are_understood() -> None:
    assert_understood("signalfx", REAL)
