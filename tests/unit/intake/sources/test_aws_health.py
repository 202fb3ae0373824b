"""What AWS Health sends by EventBridge, by its documentation."""

from datetime import UTC, datetime

import orjson
import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.aws_health import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def an_event(**detail: object) -> dict[str, object]:
    return {
        "id": "e-1",
        "detail-type": "AWS Health Event",
        "source": "aws.health",
        "account": "1",
        "time": "2026-03-01T11:00:00Z",
        "region": "eu-west-1",
        "detail": {
            "eventArn": "arn:aws:health:eu-west-1::event/EC2/X/1",
            "service": "EC2",
            "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE",
            "eventTypeCategory": "issue",
            "statusCode": "open",
            "startTime": "Sun, 01 Mar 2026 10:55:00 GMT",
            "eventDescription": [
                {"language": "de_DE", "latestDescription": "Fehler"},
                {"language": "en_US", "latestDescription": "Errors"},
            ],
            "affectedEntities": [{"entityValue": "i-1"}, {"entityValue": "i-2"}],
        }
        | detail,
    }


def test_an_issue_is_a_failure_of_the_service() -> None:
    (signal,) = read(a_message(an_event())).signals
    assert (signal.component, signal.state) == ("EC2", SignalState.FIRING)
    assert signal.started_at == datetime(2026, 3, 1, 10, 55, tzinfo=UTC)
    assert signal.description == "Errors"
    assert signal.labels is not None and signal.labels["entities"] == "i-1, i-2"


def test_a_closed_issue_is_over_and_has_the_same_fingerprint() -> None:
    (opened,) = read(a_message(an_event())).signals
    ended = an_event(statusCode="closed", endTime="Sun, 01 Mar 2026 11:30:00 GMT")
    (closed,) = read(a_message(ended)).signals
    assert closed.state is SignalState.RESOLVED
    assert closed.ended_at == datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
    assert closed.fingerprint == opened.fingerprint and closed.id != opened.id


@pytest.mark.parametrize("category", ["scheduledChange", "accountNotification"])
def test_changes_and_notices_tell_of_no_failure(category: str) -> None:
    understood = read(a_message(an_event(eventTypeCategory=category, statusCode="upcoming")))
    assert understood.signals == [] and category in understood.remarks[0]


def test_an_event_may_come_within_sns() -> None:
    envelope = {"Type": "Notification", "Message": orjson.dumps(an_event()).decode()}
    assert read(a_message(envelope)).signals[0].component == "EC2"
    asked = {"Type": "SubscriptionConfirmation", "Message": "…", "Token": "t"}
    assert read(a_message(asked)).signals == []


def test_an_issue_without_a_status_is_over_when_its_end_has_passed() -> None:
    """docs.aws.amazon.com, AWS Health events: older ones have no `statusCode`."""
    ended = an_event(statusCode=None, endTime="Sun, 01 Mar 2026 11:30:00 GMT")
    assert read(a_message(ended)).signals[0].state is SignalState.RESOLVED
    ends = an_event(statusCode=None, endTime="Sun, 01 Mar 2026 13:30:00 GMT")
    assert read(a_message(ends)).signals[0].state is SignalState.FIRING


@pytest.mark.parametrize("body", [None, 1, [], {}, {"detail": {}}, {"Message": "hello"}])
def test_what_is_no_health_event_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="eventTypeCode"):
        read(a_message(body))


def test_wrong_types_give_what_can_be_had() -> None:
    detail = {
        "startTime": "yesterday",
        "eventDescription": 3,
        "affectedEntities": [4],
        "service": 7,
    }
    (signal,) = read(a_message(an_event(**detail))).signals
    assert signal.component == "7"
    assert signal.started_at == datetime(2026, 3, 1, 11, tzinfo=UTC)


REAL: dict[str, list[Expected]] = {}


def test_the_real_ones_are_understood() -> None:
    assert_understood("aws_health", REAL)
