"""What Site24x7 sends, by its documentation of incident parameters."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.site24x7 import read
from support.messages import Expected, a_message, assert_understood


def an_alert(**given: object) -> dict[str, object]:
    return {
        "MONITORNAME": "Shop",
        "MONITORTYPE": "URL",
        "MONITORURL": "https://shop.example",
        "MONITOR_ID": "1001",
        "STATUS": "DOWN",
        "INCIDENT_REASON": "Internal Server Error",
        "INCIDENT_TIME_ISO": "2026-03-01T12:58:00+0100",
        "OUTAGE_TIME_UNIX_FORMAT": "1772366280000",
    } | given


def test_a_monitor_that_is_down_is_firing() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.state) == ("Shop", SignalState.FIRING)
    assert signal.severity is Severity.CRITICAL
    assert signal.summary == "Shop is down: Internal Server Error"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_the_customers_own_json_may_use_plain_words() -> None:
    """site24x7.com, help, webhooks: custom parameters made of `$MONITORNAME`, `$STATUS`, …"""
    told = {"monitor": "Shop", "state": "CRITICAL", "time": "March 1, 2026 11:58 AM UTC"}
    (signal,) = read(a_message(told)).signals
    assert (signal.component, signal.severity) == ("Shop", Severity.CRITICAL)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_trouble_is_a_warning() -> None:
    (signal,) = read(a_message(an_alert(STATUS="TROUBLE"))).signals
    assert signal.severity is Severity.WARNING


def test_up_ends_the_outage() -> None:
    body = an_alert(STATUS="UP", INCIDENT_TIME_ISO="2026-03-01T13:00:00+0100")
    (signal,) = read(a_message(body)).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "1001")
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.ended_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_form_says_the_same() -> None:
    (signal,) = read(a_message(b"MONITORNAME=Shop&STATUS=CRITICAL")).signals
    assert (signal.component, signal.severity) == ("Shop", Severity.CRITICAL)


def test_a_suspended_monitor_is_no_failure() -> None:
    understood = read(a_message(an_alert(STATUS="Suspended")))
    assert not understood.signals and "suspended" in understood.remarks[0]


@pytest.mark.parametrize("body", [{}, [], None, {"MONITORNAME": "Shop"}])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "goalert_0.json": [
        Expected("GoAlert Site24x7 Test", "firing", "critical", "2019-07-30T09:36:59Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("site24x7", REAL)
