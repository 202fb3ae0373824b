"""What Datadog's webhooks send, by its documentation."""

from urllib.parse import urlencode

import orjson
import pytest

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.datadog import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import NOW, a_message
from support.real_data import REAL_DATA


def an_alert(**given: object) -> dict[str, object]:
    return {
        "id": "7716548234011234567",
        "alert_id": "1234",
        "alert_title": "[Triggered on {host:web01}] Orders are late",
        "alert_transition": "Triggered",
        "alert_type": "error",
        "alert_priority": "P2",
        "alert_scope": "host:web01",
        "aggreg_key": "9bd4ac313a4d1e8fae2482df7b77628",
        "tags": "env:production,service:orders",
        "date": "1772365800000",
        "link": "https://app.datadoghq.com/event/event?id=1",
    } | given


def by_default(title: str) -> dict[str, object]:
    return {
        "body": "More than 3 s",
        "last_updated": "1772365800000",
        "event_type": "query_alert_monitor",
        "title": title,
        "date": "1772365800000",
        "org": {"id": "1", "name": "acme"},
        "id": "7716548234011234567",
    }


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_an_alert_that_triggers_is_a_failure_of_the_tagged_service() -> None:
    signal = only(an_alert())
    assert (signal.component, signal.summary) == ("orders", "Orders are late")
    assert (signal.state.value, signal.severity.value) == ("firing", "error")
    assert signal.started_at.isoformat() == "2026-03-01T11:50:00+00:00"
    assert signal.labels is not None and signal.labels["host"] == "web01"


def test_an_alert_that_recovers_is_the_same_failure_and_has_ended() -> None:
    said = {"alert_transition": "Recovered", "alert_type": "success", "date": "1772366100000"}
    resolved = only(an_alert(**said))
    assert resolved.state is SignalState.RESOLVED
    assert resolved.fingerprint == only(an_alert()).fingerprint
    assert resolved.ended_at is not None and resolved.ended_at.minute == 55


@pytest.mark.parametrize(
    "transition", ["Re-Triggered", "No Data", "Re-No Data", "Warn", "Re-Warn", "Renotify"]
)
def test_an_alert_that_goes_on_is_firing(transition: str) -> None:
    assert only(an_alert(alert_transition=transition)).state is SignalState.FIRING


@pytest.mark.parametrize(
    ("title", "state"),
    [
        ("[Triggered on {host:web01}] Orders are late", "firing"),
        ("[P2] [Warn] Orders are late", "firing"),
        ("[Recovered on {host:web01}] Orders are late", "resolved"),
        ("[Monitor Alert] Recovered: Orders are late", "resolved"),
        ("Orders are late", "firing"),
    ],
)
def test_the_default_payload_says_the_transition_in_its_title(title: str, state: str) -> None:
    signal = only(by_default(title))
    assert signal.state.value == state
    assert signal.component == ("web01" if "{" in title else "Orders are late")
    assert signal.summary == "Orders are late"
    assert signal.labels is not None
    assert signal.labels["orgname"] == "acme"


def test_a_failure_by_the_default_payload_is_known_by_its_title() -> None:
    firing, resolved = only(by_default("[Triggered] Late")), only(by_default("[Recovered] Late"))
    assert firing.fingerprint == resolved.fingerprint


def test_names_may_be_spelled_as_the_customer_likes_one_level_down_and_as_a_form() -> None:
    nested = {
        "title": "Orders are late",
        "metadata": {"ALERT_ID": "1234", "ALERT_TRANSITION": "Recovered", "HOSTNAME": "web01"},
    }
    signal = only(nested)
    assert (signal.component, signal.state) == ("web01", SignalState.RESOLVED)
    form = {"alertId": "1234", "alertTransition": "Triggered", "alertTitle": "Orders are late"}
    assert only(urlencode(form | {"hostname": "web01"}).encode()).component == "web01"


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({"alert_priority": "P1"}, "critical"),
        ({"alert_priority": "P5"}, "info"),
        ({"alert_priority": "$ALERT_PRIORITY"}, "error"),
        ({"alert_priority": "null", "priority": "low"}, "error"),
        ({"alert_priority": "", "alert_transition": "Warn"}, "warning"),
        ({"alert_priority": "", "alert_type": "warning"}, "warning"),
        ({"alert_priority": "", "alert_type": ""}, "unknown"),
    ],
)
def test_severity_is_the_priority_or_else_the_type(given: dict[str, object], severity: str) -> None:
    assert only(an_alert(**given)).severity.value == severity


@pytest.mark.parametrize(
    "given",
    [
        {"alert_transition": "null", "alert_type": "info", "alert_title": "A comment"},
        {"alert_transition": "", "alert_type": "user_update", "alert_title": "A comment"},
        {"alert_transition": "", "alert_title": "[TEST] [Triggered] Orders are late"},
    ],
)
def test_events_and_tests_tell_of_no_failure(given: dict[str, object]) -> None:
    understood = read(a_message(an_alert(**given)))
    assert not understood.signals and understood.remarks


@pytest.mark.parametrize("body", [None, [], "text", {}, {"title": "$EVENT_TITLE"}, {"date": 1}])
def test_what_is_no_webhook_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


@pytest.mark.parametrize("transition", ["Warn Recovered", "No Data Recovered"])
def test_an_alert_recovers_from_whatever_it_was(transition: str) -> None:
    """docs.datadoghq.com, monitors, notifications: a monitor recovers from each of its states."""
    assert only(an_alert(alert_transition=transition)).state is SignalState.RESOLVED
    assert only(by_default(f"[{transition}] Late")).state is SignalState.RESOLVED


def test_the_scope_and_the_priority_may_stand_in_the_title() -> None:
    """docs.datadoghq.com, webhooks, $ALERT_TITLE and the default payload."""
    first = only(by_default("[P1] [Triggered on {host:web01,service:orders}] Late"))
    other = only(by_default("[P1] [Triggered on {host:web02,service:orders}] Late"))
    over = only(by_default("[P1] [Recovered on {host:web01,service:orders}] Late"))
    assert (first.component, first.severity.value) == ("orders", "critical")
    assert first.fingerprint == over.fingerprint != other.fingerprint


def test_a_payload_of_ones_own_may_call_the_transition_a_status() -> None:
    """docs.datadoghq.com, webhooks: the payload's names are the customer's."""
    told = {"alert_transition": None, "status": "Warn Recovered", "alert_type": "warning"}
    assert only(an_alert(**told)).state is SignalState.RESOLVED
    told = {"alert_transition": None, "status": "system.load.1 over web01 was > 0"}
    assert only(an_alert(**told)).state is SignalState.FIRING


def test_another_products_payload_is_read_by_its_plain_words() -> None:
    """docs.datadoghq.com, webhooks: payloads as incident products document them."""
    told = {"summary": "[Triggered on {host:web01}] Late", "unique_key": "7", "level": "error"}
    signal = only(told | {"status": "Triggered"})
    assert (signal.component, signal.severity.value) == ("web01", "error")


DEFINED = {
    "keep_low_disk_space.json": "Low Disk Space",
    "keep_mq_consumer_struggling.json": "MQ Consumer Is Struggling",
}


@pytest.mark.parametrize("name", DEFINED)
def test_a_monitor_as_it_is_defined_is_an_alert_of_it(name: str) -> None:
    body = REAL_DATA / "webhooks" / "datadog_keep" / name
    if not body.exists():
        pytest.skip("the real data is not there (MEJORA_REAL_DATA)")
    signal = only(orjson.loads(body.read_bytes()))
    assert (signal.component, signal.severity.value) == (DEFINED[name], "info")
    assert (signal.state, signal.started_at) == (SignalState.FIRING, NOW)
