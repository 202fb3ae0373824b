"""What is posted to PagerDuty's Events API, by its documentation."""

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.pagerduty_events_v2 import read
from support.messages import NOW, Expected, a_message, assert_understood


def an_event(action: str = "trigger", **payload: object) -> dict[str, object]:
    return {
        "routing_key": "a secret",
        "dedup_key": "db1/postgres",
        "event_action": action,
        "client": "Our monitor",
        "client_url": "https://monitor.example",
        "links": [{"href": "https://runbooks.example/db", "text": "runbook"}, "no link"],
        "payload": {
            "summary": "The disk is full",
            "timestamp": "2026-03-01T11:58:00.315+0000",
            "severity": "error",
            "source": "db1.example",
            "component": "postgres",
            "group": "shop",
            "class": "disk",
            "custom_details": {"free": "1 %"},
        }
        | payload,
    }


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_a_trigger_is_a_failure_of_the_component() -> None:
    signal = only(an_event())
    assert (signal.component, signal.summary) == ("postgres", "The disk is full")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at.isoformat() == "2026-03-01T11:58:00.315000+00:00"
    assert signal.labels is not None and signal.labels["source"] == "db1.example"
    assert [link.text for link in signal.links] == ["client", "runbook"]


def test_the_senders_key_is_not_kept() -> None:
    assert b"a secret" not in only(an_event()).body


def test_a_resolve_is_known_by_its_dedup_key() -> None:
    resolved = only({"dedup_key": "db1/postgres", "event_action": "resolve"})
    assert resolved.state is SignalState.RESOLVED
    assert resolved.fingerprint == only(an_event()).fingerprint
    assert resolved.started_at == NOW


def test_the_host_has_failed_when_no_component_is_said() -> None:
    assert only(an_event(component=None)).component == "db1.example"


def test_the_same_event_again_is_the_same_message() -> None:
    assert only(an_event()).id == only(an_event()).id


def test_an_event_without_a_key_is_told_apart_by_its_payload() -> None:
    one, again, other = (
        only(an_event(summary=text) | {"dedup_key": None}) for text in ("A", "A", "B")
    )
    assert one.fingerprint == again.fingerprint != other.fingerprint


@pytest.mark.parametrize("action", ["acknowledge", "snooze"])
def test_other_actions_tell_of_no_failure(action: str) -> None:
    understood = read(a_message(an_event(action)))
    assert not understood.signals and action in understood.remarks[0]


def test_a_change_event_tells_of_no_failure() -> None:
    change = {"routing_key": "a secret", "payload": {"summary": "Deployed", "source": "ci"}}
    understood = read(a_message(change))
    assert not understood.signals and "change" in understood.remarks[0]


def test_an_event_of_version_one_is_read() -> None:
    event = {
        "service_key": "a secret",
        "event_type": "trigger",
        "incident_key": "db1/postgres",
        "description": "The disk is full",
        "details": {"service": "postgres"},
    }
    signal = only(event)
    assert (signal.component, signal.summary) == ("postgres", "The disk is full")
    assert signal.fingerprint == only(an_event()).fingerprint


@pytest.mark.parametrize("body", [None, [], "text", {}, {"payload": "text"}])
def test_what_is_no_event_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="`event_action`"):
        read(a_message(body))


REAL = {
    "apischema_2_git_change_event.json": [],
    "apischema_3_event.json": [Expected("mysql", "firing", "critical", "2015-07-17T08:42:58Z")],
    "pddocs_acknowledge.json": [],
    "pddocs_resolve.json": [Expected("unknown", "resolved", "unknown", None)],
    "pddocs_trigger.json": [Expected("postgres", "firing", "info", "2015-07-17T08:42:58Z")],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("pagerduty_events_v2", REAL)
