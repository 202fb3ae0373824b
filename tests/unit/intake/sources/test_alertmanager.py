"""What Alertmanager sends, by its documentation."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.alertmanager import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import NOW, Expected, a_message, assert_understood
from support.real_data import REAL_DATA


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


def test_what_fails_in_a_cluster_is_not_what_tells_of_it() -> None:
    """kubernetes.io, kube-state-metrics: `instance` is the exporter, `pod` and `container` fail."""
    labels = {"alertname": "CrashLoop", "job": "kube-state-metrics", "instance": "10.0.0.1:8080"}
    labels |= {"namespace": "shop", "pod": "payments-6d4cf56db6-x2x7z"}
    (signal,) = read(a_message(a_group(an_alert(labels=labels)))).signals
    assert signal.component == "payments-6d4cf56db6-x2x7z"
    labels["container"] = "payments"
    (signal,) = read(a_message(a_group(an_alert(labels=labels)))).signals
    assert signal.component == "payments"


@pytest.mark.parametrize(("label", "said"), [("priority", "P1"), ("level", "critical")])
def test_severity_may_be_a_label_of_another_name(label: str, said: str) -> None:
    (signal,) = read(a_message(a_group(an_alert(labels={"alertname": "A", label: said})))).signals
    assert signal.severity is Severity.CRITICAL


def test_a_firing_alert_is_understood() -> None:
    (signal,) = read(a_message(a_group(an_alert()))).signals
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
    firing, resolved = read(a_message(a_group(an_alert(), ended))).signals
    assert (firing.state, resolved.state) == (SignalState.FIRING, SignalState.RESOLVED)
    assert resolved.ended_at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)


def test_the_same_notification_has_the_same_id_and_its_end_has_another() -> None:
    first, again = (read(a_message(a_group(an_alert()))).signals[0] for _ in range(2))
    ended = read(a_message(a_group(an_alert(status="resolved")))).signals[0]
    assert first.id == again.id
    assert ended.id != first.id and ended.fingerprint == first.fingerprint


def test_without_a_fingerprint_the_labels_identify_an_alert() -> None:
    alerts = [an_alert(fingerprint=None), an_alert(fingerprint=None, annotations={})]
    one, two = read(a_message(a_group(*alerts))).signals
    assert one.fingerprint == two.fingerprint
    other = an_alert(fingerprint=None, labels={"alertname": "Other"})
    assert read(a_message(a_group(other))).signals[0].fingerprint != one.fingerprint


def test_older_versions_say_the_state_by_the_group_or_by_the_end() -> None:
    alert = an_alert()
    del alert["status"]
    assert read(a_message(a_group(alert))).signals[0].state is SignalState.FIRING
    assert (
        read(a_message(a_group(alert, status="resolved"))).signals[0].state is SignalState.RESOLVED
    )
    past = (NOW - timedelta(minutes=1)).isoformat()
    ended = read(a_message(a_group(alert | {"endsAt": past}))).signals[0]
    assert ended.state is SignalState.RESOLVED


def test_what_is_missing_is_made_of_what_is_there() -> None:
    (signal,) = read(a_message({"alerts": [{"labels": {"alertname": "Bare"}}]})).signals
    assert (signal.component, signal.summary, signal.started_at) == ("Bare", "Bare", NOW)
    assert signal.severity is Severity.UNKNOWN


def test_two_alerts_without_a_start_are_two_messages() -> None:
    bare = {"alerts": [{"labels": {"alertname": "Bare"}}]}
    one, two = (read(a_message(bare)).signals[0] for _ in range(2))
    assert one.id != two.id and one.fingerprint == two.fingerprint


def test_one_bad_alert_loses_none_of_its_neighbours() -> None:
    understood = read(a_message(a_group("no alert", an_alert(), 7)))
    assert len(understood.signals) == 1
    assert understood.remarks == [
        "alerts.0 is no object and was left out",
        "alerts.2 is no object and was left out",
    ]


@pytest.mark.parametrize("body", [None, 1, "text", [], {}, {"alerts": {}}])
def test_what_is_no_webhook_is_refused_with_what_was_expected(body: object) -> None:
    with pytest.raises(NotUnderstood, match="a list `alerts`"):
        read(a_message(body))


def test_an_alert_alone_is_understood_without_its_group() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.state) == ("payments", SignalState.FIRING)


def test_alerts_that_only_their_text_tells_apart_are_different_failures() -> None:
    labels = {"labels": {"severity": "warning"}}
    one, two = (read(a_message(labels | {"summary": text})).signals[0] for text in ("A", "B"))
    assert one.fingerprint != two.fingerprint


def test_the_list_of_the_first_version_is_called_alert() -> None:
    alert = {
        "summary": "Payments take longer than 3 s",
        "labels": {"alertname": "PaymentsSlow", "service": "payments"},
        "payload": {"activeSince": "2026-03-01T12:58:00+01:00"},
    }
    (signal,) = read(a_message({"version": "1", "status": "resolved", "alert": [alert]})).signals
    assert (signal.component, signal.state) == ("payments", SignalState.RESOLVED)
    assert signal.summary == "Payments take longer than 3 s"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_text_that_no_store_can_keep_is_mended() -> None:
    alert = an_alert(labels={"alertname": "A\x00B"}, annotations={})
    assert "\x00" not in read(a_message(a_group(alert))).signals[0].summary


REAL = {
    "alerta_prometheus_v3_alert.json": [
        Expected("System", "firing", "critical", "2016-08-01T10:27:08Z")
    ],
    "alerta_prometheus_v4_alert.json": [
        Expected("thing_dead", "firing", "critical", "2017-08-03T19:17:37Z")
    ],
    "goalert_0.json": [Expected("foobar", "firing", "unknown", None)],
    "msteams_prom_post_request.json": [
        Expected("instance-with-hyphen_and_underscore", "firing", "warning", "2018-03-07T11:33:21Z")
    ],
    "prometheusbot_emptyValue.json": [
        Expected("prometheus_bot", "firing", "warning", "2016-04-27T20:46:37Z")
    ],
    "prometheusbot_noGenURL.json": [
        Expected("mail01.example.com", "resolved", "critical", "2016-10-19T15:03:37Z"),
        Expected("mail02.example.com", "resolved", "critical", "2016-10-19T15:03:37Z"),
        Expected("mail02.example.com", "resolved", "critical", "2016-10-19T19:35:37Z"),
        Expected("smpt03.example.com", "resolved", "critical", "2016-10-19T22:42:37Z"),
        Expected("smpt01.example.com", "resolved", "critical", "2016-10-19T22:42:37Z"),
        Expected("smpt02.example.com", "resolved", "critical", "2016-10-19T22:47:37Z"),
        Expected("smpt04.example.com", "resolved", "critical", "2016-10-19T22:47:37Z"),
        Expected("mail01.example.com", "resolved", "critical", "2016-10-20T13:40:37Z"),
    ],
    "prometheusbot_simpe.json": [
        Expected("prometheus_bot", "firing", "warning", "2016-04-27T20:46:37Z")
    ],
    "versus_alertmanager_0.json": [
        Expected("postgresql-prod-01", "firing", "critical", "2023-10-01T12:34:56Z")
    ],
    "zulip_alert.json": [
        Expected("andromeda", "firing", "critical", "2020-02-06T00:17:58Z"),
        Expected("andromeda", "firing", "critical", "2020-02-06T00:17:58Z"),
    ],
    "zulip_single_alert.json": [
        Expected("andromeda", "resolved", "critical", "2020-02-06T00:17:58Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("alertmanager", REAL)


ALONE = {
    "keep_DiskSpaceLow.json": ("unknown", "warning"),
    "keep_HighCPUUsage.json": ("somecoolworkload", "critical"),
    "keep_MQThirdFull_Message_queue_is_over_33.json": ("unknown", "warning"),
    "keep_NetworkLatencyHigh.json": ("unknown", "info"),
}


@pytest.mark.parametrize("name", ALONE)
def test_a_real_alert_alone_is_understood(name: str) -> None:
    body = REAL_DATA / "webhooks" / "prometheus_keep" / name
    if not body.exists():
        pytest.skip("the real data is not there (MEJORA_REAL_DATA)")
    alert = orjson.loads(body.read_bytes())
    (signal,) = read(a_message(alert)).signals
    assert (signal.component, signal.severity.value) == ALONE[name]
    assert (signal.summary, signal.state) == (alert["summary"], SignalState.FIRING)
