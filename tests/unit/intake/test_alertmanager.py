"""What Alertmanager sends, by its documentation."""

from datetime import UTC, datetime, timedelta

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.alertmanager import read
from mejora_intake.sources.reading import NotUnderstood

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_alert(**given: object) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {"alertname": "PaymentsSlow", "service": "payments", "severity": "critical"},
        "annotations": {
            "summary": "Payments take longer than 3 s",
            "runbook_url": "https://runbooks.example/payments",
        },
        "startsAt": "2026-03-01T11:58:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://prometheus.example/graph",
        "fingerprint": "a1b2c3d4e5f60718",
    } | given


def a_group(*alerts: object, **given: object) -> dict[str, object]:
    return {
        "version": "4",
        "groupKey": "{}",
        "status": "firing",
        "receiver": "mejora",
        "externalURL": "https://alertmanager.example",
        "alerts": list(alerts),
    } | given


def test_a_firing_alert_is_understood() -> None:
    (signal,) = read(a_group(an_alert()), "alertmanager", NOW).signals
    assert signal.component == "payments"
    assert signal.summary == "Payments take longer than 3 s"
    assert signal.state is SignalState.FIRING
    assert signal.severity is Severity.CRITICAL
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 123456, tzinfo=UTC)
    assert signal.ended_at is None
    assert signal.fingerprint == "a1b2c3d4e5f60718"
    assert [link.text for link in signal.links] == ["graph", "runbook", "Alertmanager"]


def test_a_group_may_hold_firing_and_resolved_alerts() -> None:
    ended = an_alert(status="resolved", endsAt="2026-03-01T11:59:00Z", fingerprint="other")
    firing, resolved = read(a_group(an_alert(), ended), "alertmanager", NOW).signals
    assert (firing.state, resolved.state) == (SignalState.FIRING, SignalState.RESOLVED)
    assert resolved.ended_at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)


def test_the_same_notification_has_the_same_id_and_its_end_has_another() -> None:
    first, again = (read(a_group(an_alert()), "alertmanager", NOW).signals[0] for _ in range(2))
    ended = read(a_group(an_alert(status="resolved")), "alertmanager", NOW).signals[0]
    assert first.id == again.id
    assert ended.id != first.id and ended.fingerprint == first.fingerprint


def test_without_a_fingerprint_the_labels_identify_an_alert() -> None:
    alerts = [an_alert(fingerprint=None), an_alert(fingerprint=None, annotations={})]
    one, two = read(a_group(*alerts), "alertmanager", NOW).signals
    assert one.fingerprint == two.fingerprint
    other = an_alert(fingerprint=None, labels={"alertname": "Other"})
    assert read(a_group(other), "alertmanager", NOW).signals[0].fingerprint != one.fingerprint


def test_older_versions_say_the_state_by_the_group_or_by_the_end() -> None:
    alert = an_alert()
    del alert["status"]
    assert read(a_group(alert), "a", NOW).signals[0].state is SignalState.FIRING
    assert (
        read(a_group(alert, status="resolved"), "a", NOW).signals[0].state is SignalState.RESOLVED
    )
    past = (NOW - timedelta(minutes=1)).isoformat()
    ended = read(a_group(alert | {"endsAt": past}), "a", NOW).signals[0]
    assert ended.state is SignalState.RESOLVED


def test_what_is_missing_is_made_of_what_is_there() -> None:
    (signal,) = read({"alerts": [{"labels": {"alertname": "Bare"}}]}, "a", NOW).signals
    assert (signal.component, signal.summary, signal.started_at) == ("Bare", "Bare", NOW)
    assert signal.severity is Severity.UNKNOWN


def test_two_alerts_without_a_start_are_two_messages() -> None:
    bare = {"alerts": [{"labels": {"alertname": "Bare"}}]}
    one, two = (read(bare, "a", NOW).signals[0] for _ in range(2))
    assert one.id != two.id and one.fingerprint == two.fingerprint


def test_one_bad_alert_loses_none_of_its_neighbours() -> None:
    understood = read(a_group("no alert", an_alert(), 7), "alertmanager", NOW)
    assert len(understood.signals) == 1
    assert understood.remarks == [
        "alerts.0 is no object and was left out",
        "alerts.2 is no object and was left out",
    ]


@pytest.mark.parametrize("body", [None, 1, "text", [], {}, {"alerts": {}}])
def test_what_is_no_webhook_is_refused_with_what_was_expected(body: object) -> None:
    with pytest.raises(NotUnderstood, match="a list `alerts`"):
        read(body, "alertmanager", NOW)


def test_text_that_no_store_can_keep_is_mended() -> None:
    alert = an_alert(labels={"alertname": "A\x00B"}, annotations={})
    assert "\x00" not in read(a_group(alert), "a", NOW).signals[0].summary
