"""What LibreNMS' API transport posts, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.librenms import read
from support.messages import Expected, a_message, assert_understood


def an_alert(**given: object) -> dict[str, object]:
    return {
        "title": "Alert for device sw01 - Port down",
        "hostname": "sw01",
        "device_id": "2",
        "rule_id": "13",
        "name": "Port down",
        "state": "1",
        "severity": "critical",
        "timestamp": "2026-03-01 11:58:00",
    } | given


def test_an_alert_is_understood() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.state) == ("sw01", SignalState.FIRING)
    assert signal.severity is Severity.CRITICAL
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hostname", "display", "component"),
    [
        ("sw01", "Switch, rack 4", "sw01"),
        ("10.0.0.7", "sw01", "sw01"),
        ("fe80::7", None, "fe80::7"),
    ],
)
def test_a_device_has_a_name_or_an_address(
    hostname: str, display: str | None, component: str
) -> None:
    """docs.librenms.org, alerting, templates: `hostname`, `display`, `sysName`."""
    (signal,) = read(a_message(an_alert(hostname=hostname, display=display))).signals
    assert signal.component == component


def test_placeholders_may_lie_in_objects() -> None:
    """docs.librenms.org, alerting, transports: the API's body is a template."""
    told = {"eventInfo": {"summary": "Port down", "severity": "critical"}}
    told |= {"resourceAffected": {"hostname": "sw01"}}
    (signal,) = read(a_message(told)).signals
    assert (signal.component, signal.severity) == ("sw01", Severity.CRITICAL)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (0, SignalState.RESOLVED),
        ("3", SignalState.FIRING),
        ("4", SignalState.FIRING),
        ("5", SignalState.FIRING),
    ],
)
def test_its_state_is_a_number(state: object, expected: SignalState) -> None:
    first = read(a_message(an_alert())).signals[0]
    (signal,) = read(a_message(an_alert(state=state))).signals
    assert signal.state is expected and signal.fingerprint == first.fingerprint


def test_an_acknowledgement_tells_of_no_failure() -> None:
    understood = read(a_message(an_alert(state="2")))
    assert understood.signals == [] and "acknowledged" in understood.remarks[0]


def test_options_are_posted_as_a_form() -> None:
    (signal,) = read(a_message(b"title=Port+down&hostname=sw01&severity=ok")).signals
    assert (signal.component, signal.state) == ("sw01", SignalState.RESOLVED)


@pytest.mark.parametrize("body", [None, 1, [], {}, {"title": "x"}, b"a=b"])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {"keep_0.json": [Expected("10.10.1.147", "resolved", "unknown", "2025-03-04T11:01:41Z")]}


def test_the_real_ones_are_understood() -> None:
    assert_understood("librenms", REAL)
