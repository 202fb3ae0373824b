"""What Opbeat sent, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.opbeat import read
from support.messages import Expected, a_message, assert_understood


def an_activity(action: str, **given: object) -> dict[str, object]:
    return {
        "id": "bf99",
        "occurred": "2026-03-01T12:00:00Z",
        "title": "E#2",
        "app": {"name": "Shop"},
        "subject_type": "errorgroup",
        "subject": {
            "id": "eac0",
            "first_seen": "2026-03-01T11:58:00Z",
            "last_occurrence": {"message": "It broke", "level": "error"},
        },
        "action": action,
    } | given


@pytest.mark.parametrize("action", ["created", "reopened", "regressed", "undo-mark-as-fixed"])
def test_errors_that_occur_are_firing(action: str) -> None:
    (signal,) = read(a_message(an_activity(action))).signals
    assert (signal.component, signal.summary) == ("Shop", "It broke")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_errors_that_are_fixed_end() -> None:
    (signal,) = read(a_message(an_activity("fixed"))).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "eac0")
    assert signal.ended_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_everything_else_is_remarked_on() -> None:
    assert not read(a_message(an_activity("commented"))).signals
    assert not read(a_message(an_activity("assigned"))).signals
    assert not read(a_message(an_activity("created", subject_type="app"))).signals


@pytest.mark.parametrize("body", [{}, [], None, {"subject_type": "errorgroup"}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_error_fixed.json": [
        Expected("Test-flask-app", "resolved", "unknown", "2017-12-10T17:52:47Z")
    ],
    "zulip_new_app.json": [],
    "zulip_unsupported_object.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("opbeat", REAL)
