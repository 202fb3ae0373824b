"""What Freshping sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.freshping import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def a_change(state: object = "Not Responding", **given: object) -> dict[str, object]:
    return {
        "webhook_type": "AL",
        "organization_name": "Example",
        "webhook_event_data": {
            "check_state_name": state,
            "check_id": 585767,
            "check_name": "Shop",
            "application_name": "Example's application",
            "request_url": "https://shop.example",
            "request_start_time": "2026-03-01T11:58:00.607484+00:00",
        }
        | given,
    }


@pytest.mark.parametrize("state", ["Not Responding", "Reporting Error"])
def test_a_check_that_does_not_answer_is_firing(state: str) -> None:
    (signal,) = read(a_message(a_change(state))).signals
    assert (signal.component, signal.summary) == ("Shop", f"Shop: {state}")
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 607484, tzinfo=UTC)
    assert signal.severity is Severity.UNKNOWN


def test_degraded_performance_is_a_warning() -> None:
    (signal,) = read(a_message(a_change("Performance Degraded"))).signals
    assert signal.severity is Severity.WARNING


def test_available_ends_the_same_failure() -> None:
    (signal,) = read(a_message(a_change("Available"))).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "585767")


def test_a_check_without_a_name_is_called_by_its_host() -> None:
    (signal,) = read(a_message(a_change(check_name=None))).signals
    assert signal.component == "shop.example"


def test_a_test_and_a_paused_check_are_no_failure() -> None:
    assert not read(a_message(a_change(application_name="Webhook test"))).signals
    assert not read(a_message(a_change("Paused"))).signals


@pytest.mark.parametrize("body", [{}, [], None, {"webhook_event_data": 1}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_freshping_check_reachable.json": [
        Expected("Test Check", "resolved", "unknown", "2021-04-15T19:57:32Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("freshping", REAL)
