"""What Checkly sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.checkly import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def an_alert(**given: object) -> dict[str, object]:
    return {
        "event": "API check has failed",
        "alert_type": "ALERT_FAILURE",
        "check_name": "API check",
        "check_id": "927a",
        "check_result_id": "r1",
        "check_error_message": "timeout",
        "started_at": "2026-03-01T11:58:00.000Z",
        "tags": "web",
        "link": "https://app.checkly.example/checks/927a",
    } | given


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("ALERT_FAILURE", Severity.CRITICAL),
        ("ALERT_FAILURE_REMAIN", Severity.CRITICAL),
        ("ALERT_DEGRADED_FAILURE", Severity.CRITICAL),
        ("ALERT_DEGRADED", Severity.WARNING),
        ("ALERT_DEGRADED_REMAIN", Severity.WARNING),
        ("ALERT_FAILURE_DEGRADED", Severity.WARNING),
    ],
)
def test_failing_and_degraded_are_firing(kind: str, severity: Severity) -> None:
    (signal,) = read(a_message(an_alert(alert_type=kind))).signals
    assert (signal.component, signal.state) == ("API check", SignalState.FIRING)
    assert signal.severity is severity
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["ALERT_RECOVERY", "ALERT_DEGRADED_RECOVERY"])
def test_a_recovery_ends_the_same_failure(kind: str) -> None:
    (signal,) = read(a_message(an_alert(alert_type=kind))).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "927a")


def test_the_variables_may_keep_their_own_names() -> None:
    body = {"ALERT_TYPE": "ALERT_FAILURE", "CHECK_NAME": "API", "CHECK_ID": "1"}
    (signal,) = read(a_message(body)).signals
    assert (signal.component, signal.fingerprint) == ("API", "1")


def test_an_expiring_certificate_is_another_failure() -> None:
    (signal,) = read(a_message(an_alert(alert_type="ALERT_SSL"))).signals
    assert (signal.severity, signal.fingerprint) == (Severity.WARNING, "927a:certificate")


def test_no_alert_is_no_failure() -> None:
    assert not read(a_message(an_alert(alert_type="NO_ALERT"))).signals


@pytest.mark.parametrize("body", [{}, [], None, {"check_name": "x"}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "keep_0.json": [Expected("API Check #1", "resolved", "unknown", "2025-01-26T11:19:40Z")],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("checkly", REAL)
