"""What Dash0's webhook sends, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.dash0 import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def a_notification(kind: str = "alert.ongoing", **given: object) -> dict[str, object]:
    issue = {
        "id": "i-1",
        "issueIdentifier": "77",
        "start": "2026-03-01T11:58:00.474101621Z",
        "status": "critical",
        "summary": "Too many errors",
        "labels": [{"key": "service.name", "value": {"stringValue": "payments"}}],
        "checkrules": [{"id": "r-1", "name": "Errors", "url": "https://app.dash0.com/r"}],
        "url": "https://app.dash0.com/i",
    }
    return {"type": kind, "data": {"issue": issue | given}}


def test_an_ongoing_issue_is_understood() -> None:
    (signal,) = read(a_message(a_notification())).signals
    assert (signal.component, signal.summary) == ("payments", "Too many errors")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.CRITICAL)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 474101, tzinfo=UTC)
    assert [link.text for link in signal.links] == ["issue", "check rule"]


@pytest.mark.parametrize("kind", ["alert.resolved", "alert.closed"])
def test_its_end_is_the_same_failure(kind: str) -> None:
    begun = read(a_message(a_notification())).signals[0]
    told = a_notification(kind, status="resolved", end="2026-03-01T12:08:00Z")
    (ended,) = read(a_message(told)).signals
    assert ended.state is SignalState.RESOLVED and ended.fingerprint == begun.fingerprint
    assert ended.ended_at == datetime(2026, 3, 1, 12, 8, tzinfo=UTC)


def test_degraded_is_a_warning() -> None:
    assert read(a_message(a_notification(status="degraded"))).signals[0].severity is (
        Severity.WARNING
    )


@pytest.mark.parametrize("kind", ["alert.superseded", "test"])
def test_what_tells_of_no_failure_is_remarked_on(kind: str) -> None:
    understood = read(a_message(a_notification(kind)))
    assert understood.signals == [] and len(understood.remarks) == 1


@pytest.mark.parametrize("body", [None, 1, [], {}, {"data": {"issue": 3}}])
def test_what_is_no_issue_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match=r"data\.issue"):
        read(a_message(body))


REAL = {
    "keep_0.json": [
        Expected("my-first-observable-service", "resolved", "unknown", "2025-02-03T07:17:17Z")
    ]
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("dash0", REAL)
