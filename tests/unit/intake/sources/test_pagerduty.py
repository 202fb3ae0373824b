"""What PagerDuty's webhooks send, by its documentation."""

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.pagerduty import read
from support.messages import Expected, a_message, assert_understood


def an_event(event_type: str = "incident.triggered", /, **given: object) -> dict[str, object]:
    return {
        "event": {
            "id": event_type,
            "event_type": event_type,
            "occurred_at": "2026-03-01T11:59:00.169Z",
            "data": {
                "id": "PGR0VU2",
                "type": "incident",
                "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
                "number": 2,
                "status": "triggered",
                "created_at": "2026-03-01T11:50:00Z",
                "title": "Orders are late",
                "service": {"id": "PF9KMXH", "summary": "orders"},
                "priority": None,
                "urgency": "high",
            }
            | given,
        }
    }


def a_message_of_v1(kind: str, **given: object) -> dict[str, object]:
    incident = {
        "id": "PGR0VU2",
        "created_on": "2026-03-01T11:50:00Z",
        "last_status_change_on": "2026-03-01T11:59:00Z",
        "service": {"id": "PF9KMXH", "name": "orders"},
        "trigger_summary_data": {"subject": "Orders are late"},
    } | given
    return {"id": kind, "type": kind, "data": {"incident": incident}}


def a_message_of_v2(event: str) -> dict[str, object]:
    incident = {
        "id": "PGR0VU2",
        "title": "Orders are late",
        "created_at": "2026-03-01T11:50:00Z",
        "last_status_change_at": "2026-03-01T11:59:00Z",
        "service": {"id": "PF9KMXH", "name": "orders"},
        "urgency": "low",
    }
    return {"id": event, "event": event, "incident": incident}


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


@pytest.mark.parametrize(
    "body",
    [
        an_event(),
        {"messages": [a_message_of_v1("incident.trigger")]},
        {"messages": [a_message_of_v2("incident.trigger")]},
    ],
)
def test_a_triggered_incident_of_every_version_is_a_failure_of_its_service(body: object) -> None:
    signal = only(body)
    assert (signal.component, signal.summary) == ("orders", "Orders are late")
    assert (signal.state, signal.fingerprint) == (SignalState.FIRING, "PGR0VU2")
    assert signal.started_at.isoformat() == "2026-03-01T11:50:00+00:00"


@pytest.mark.parametrize(
    "body",
    [
        an_event("incident.resolved"),
        {"messages": [a_message_of_v1("incident.resolve")]},
        {"messages": [a_message_of_v2("incident.resolve")]},
    ],
)
def test_a_resolved_incident_says_when_it_ended(body: object) -> None:
    signal = only(body)
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "PGR0VU2")
    assert signal.ended_at is not None and signal.ended_at.minute == 59


def test_a_reopened_incident_fails_from_then_on() -> None:
    signal = only(an_event("incident.reopened"))
    assert signal.state is SignalState.FIRING and signal.started_at.minute == 59


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({"priority": {"summary": "P1"}}, Severity.CRITICAL),
        ({"priority": {"summary": "SEV-3"}}, Severity.WARNING),
        ({"priority": {"summary": "P1 - Critical"}}, Severity.CRITICAL),
        ({"priority": {"name": "Sev 2"}}, Severity.ERROR),
        ({"priority": {"summary": "Ours"}}, Severity.ERROR),
        ({"urgency": "low"}, Severity.WARNING),
        ({"urgency": None}, Severity.UNKNOWN),
    ],
)
def test_severity_is_the_priority_or_else_the_urgency(
    given: dict[str, object], severity: Severity
) -> None:
    assert only(an_event(**given)).severity is severity


@pytest.mark.parametrize(
    "event",
    [
        "incident.acknowledged",
        "incident.unacknowledged",
        "incident.escalated",
        "incident.annotated",
        "incident.priority_updated",
        "service.updated",
        "pagey.ping",
    ],
)
def test_other_events_tell_of_no_failure(event: str) -> None:
    understood = read(a_message(an_event(event)))
    assert not understood.signals and event in understood.remarks[0]


def test_one_bad_message_loses_none_of_its_neighbours() -> None:
    bad = {"type": "incident.trigger", "data": {"incident": None}}
    understood = read(
        a_message({"messages": ["no message", bad, a_message_of_v2("incident.trigger")]})
    )
    assert len(understood.signals) == 1 and len(understood.remarks) == 2


@pytest.mark.parametrize("body", [None, [], "text", {}, {"event": "text"}, {"messages": {}}])
def test_what_is_no_webhook_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="`event` or a list `messages`"):
        read(a_message(body))


REAL = {
    "zulip_acknowledge.json": [],
    "zulip_acknowledge_without_trigger_summary_data.json": [],
    "zulip_acknowledged_v3.json": [],
    "zulip_assign_v2.json": [],
    "zulip_mp_fail.json": [Expected("MP API", "resolved", "unknown", "2015-02-09T18:30:06Z")],
    "zulip_resolve_v2.json": [
        Expected("Production XDB Cluster", "resolved", "error", "2017-09-26T15:14:36Z")
    ],
    "zulip_resolved.json": [
        Expected("Test service", "resolved", "unknown", "2015-02-07T21:05:47Z")
    ],
    "zulip_trigger_v2.json": [
        Expected("Production XDB Cluster", "firing", "error", "2017-09-26T15:14:36Z")
    ],
    "zulip_triggered_v3.json": [Expected("pig208", "firing", "error", "2021-06-04T13:35:29Z")],
    "zulip_unacknowledge.json": [],
    "zulip_unsupported_v2.json": [],
    "zulip_unsupported_v3.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("pagerduty", REAL)
