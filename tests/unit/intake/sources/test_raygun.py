"""What Raygun sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.raygun import read
from support.messages import Expected, a_message, assert_understood


def a_notification(kind: str = "NewErrorOccurred", **error: object) -> dict[str, object]:
    return {
        "event": "error_notification",
        "eventType": kind,
        "error": {
            "url": "https://app.raygun.example/e/1",
            "message": "Script error",
            "firstOccurredOn": "2026-03-01T11:50:00Z",
            "lastOccurredOn": "2026-03-01T11:58:00",
            "totalOccurrences": 3,
            "instance": {"tags": ["v1", "env:prod"]},
        }
        | error,
        "application": {"name": "Shop", "url": "https://app.raygun.example/a/1"},
    }


def an_activity(kind: str, **error: object) -> dict[str, object]:
    return a_notification(kind, activityDate="2026-03-01T11:59:00Z", **error) | {
        "event": "error_activity"
    }


def test_a_new_error_is_firing() -> None:
    (signal,) = read(a_message(a_notification())).signals
    assert (signal.component, signal.summary) == ("Shop", "Script error")
    assert signal.started_at == datetime(2026, 3, 1, 11, 50, tzinfo=UTC)
    assert signal.labels is not None and signal.labels["tags"] == "v1, env:prod"


def test_an_error_that_occurs_again_began_again() -> None:
    (signal,) = read(a_message(a_notification("ErrorReoccurred"))).signals
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_a_follow_up_is_one_more_message_of_the_same_failure() -> None:
    new = read(a_message(a_notification())).signals[0]
    later = read(a_message(a_notification("OneMinuteFollowUp"))).signals[0]
    assert later.fingerprint == new.fingerprint and later.id != new.id


def test_an_error_that_is_marked_as_resolved_ends() -> None:
    (signal,) = read(a_message(an_activity("StatusChanged", status="Resolved"))).signals
    assert signal.state is SignalState.RESOLVED
    assert signal.ended_at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["CommentAdded", "AssignedToUser", "StatusChanged"])
def test_other_activities_are_remarked_on(kind: str) -> None:
    understood = read(a_message(an_activity(kind, status="Ignored")))
    assert not understood.signals and kind in understood.remarks[0]


@pytest.mark.parametrize("body", [{}, [], None, {"event": "error_notification"}])
def test_what_is_no_webhook_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_comment_added_to_error.json": [],
    "zulip_error_status_changed.json": [],
    "zulip_one_minute_followup_error.json": [
        Expected("application name", "firing", "unknown", "1970-01-28T01:49:36Z")
    ],
    "zulip_reoccurred_error.json": [
        Expected("application name", "firing", "unknown", "1970-01-28T01:49:36Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("raygun", REAL)
