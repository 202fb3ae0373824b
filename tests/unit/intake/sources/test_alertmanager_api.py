"""What Prometheus posts to Alertmanager's API, by its documentation."""

from datetime import UTC, datetime, timedelta

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.alertmanager_api import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import NOW, Expected, a_message, assert_understood

SOON = (NOW + timedelta(minutes=4)).isoformat()
BEFORE = (NOW - timedelta(minutes=1)).isoformat()


def an_alert(**given: object) -> dict[str, object]:
    return {
        "labels": {"alertname": "PaymentsSlow", "service": "payments", "severity": "critical"},
        "annotations": {"summary": "Payments take longer than 3 s"},
        "startsAt": "2026-03-01T11:50:00.123456789Z",
        "endsAt": SOON,
        "generatorURL": "https://prometheus.example/graph",
    } | given


def test_an_alert_that_ends_in_the_future_is_firing() -> None:
    (signal,) = read(a_message([an_alert()])).signals
    assert (signal.component, signal.state) == ("payments", SignalState.FIRING)
    assert signal.started_at == datetime(2026, 3, 1, 11, 50, 0, 123456, tzinfo=UTC)
    assert signal.ended_at is None


def test_an_alert_that_has_ended_is_resolved_and_is_the_same_failure() -> None:
    firing, ended = read(a_message([an_alert(), an_alert(endsAt=BEFORE)])).signals
    assert ended.state is SignalState.RESOLVED
    assert ended.ended_at == NOW - timedelta(minutes=1)
    assert ended.fingerprint == firing.fingerprint and ended.id != firing.id


def test_an_alert_that_is_sent_again_is_the_same_message() -> None:
    later = (NOW + timedelta(minutes=5)).isoformat()
    first, again = read(a_message([an_alert(), an_alert(endsAt=later)])).signals
    assert first.id == again.id


def test_alerts_with_other_labels_are_other_failures() -> None:
    labels = {"alertname": "DiskFull", "instance": "db1"}
    alerts = [an_alert(labels=labels | {"severity": word}) for word in ("critical", "warning")]
    one, two = read(a_message(alerts)).signals
    assert one.fingerprint != two.fingerprint


def test_an_alert_as_the_api_gives_it_is_firing_though_its_status_is_an_object() -> None:
    (signal,) = read(a_message([an_alert(status={"state": "active"})])).signals
    assert signal.state is SignalState.FIRING


def test_one_bad_alert_loses_none_of_its_neighbours() -> None:
    understood = read(a_message(["no alert", an_alert()]))
    assert len(understood.signals) == 1
    assert understood.remarks == ["alerts.0 is no object and was left out"]


@pytest.mark.parametrize("body", [None, 1, "text", {}, {"alerts": []}])
def test_what_is_no_list_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="a list of alerts"):
        read(a_message(body))


REAL = {
    "ha_send_alerts.json": [
        Expected("example1", "firing", "unknown", None),
        Expected("example1", "firing", "unknown", None),
        Expected("example2", "firing", "unknown", None),
        Expected("example2", "firing", "unknown", None),
        Expected("example3", "firing", "critical", None),
        Expected("example3", "firing", "warning", None),
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("alertmanager_api", REAL)
