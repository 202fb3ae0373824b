"""What Checkmk's notification scripts post, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.checkmk import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def a_notification(**given: object) -> dict[str, object]:
    return {
        "NOTIFY_HOSTNAME": "web01",
        "NOTIFY_SERVICEDESC": "Filesystem /",
        "NOTIFY_SERVICESTATE": "CRITICAL",
        "NOTIFY_SERVICEOUTPUT": "98 % used",
        "NOTIFY_WHAT": "SERVICE",
        "NOTIFY_NOTIFICATIONTYPE": "PROBLEM",
        "NOTIFY_LASTSERVICESTATECHANGE": "1772366280",
        "NOTIFY_SHORTDATETIME": "2026-03-01 12:58:30",
    } | given


def test_a_problem_of_a_service_is_a_failure_of_its_host() -> None:
    (signal,) = read(a_message(a_notification())).signals
    assert (signal.component, signal.summary) == ("web01", "Filesystem / is critical")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.CRITICAL)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.description == "98 % used"


def test_recovery_is_the_end_of_the_same_failure() -> None:
    told = {"NOTIFY_SERVICESTATE": "OK", "NOTIFY_NOTIFICATIONTYPE": "RECOVERY"}
    (problem,) = read(a_message(a_notification())).signals
    (recovery,) = read(a_message(a_notification(**told))).signals
    assert recovery.state is SignalState.RESOLVED and recovery.fingerprint == problem.fingerprint
    (other,) = read(a_message(a_notification(NOTIFY_SERVICEDESC="CPU load"))).signals
    assert other.fingerprint != problem.fingerprint


def test_a_context_within_an_object_and_a_custom_notification() -> None:
    """docs.checkmk.com, notifications: the context of a plug-in; CUSTOM is by hand."""
    (signal,) = read(a_message({"context": a_notification()})).signals
    assert (signal.component, signal.severity) == ("web01", Severity.CRITICAL)
    assert not read(a_message(a_notification(NOTIFY_NOTIFICATIONTYPE="CUSTOM"))).signals


def test_a_script_may_say_the_time_in_its_own_words() -> None:
    told = {"host": "web01", "service": "CPU", "state": "CRIT", "time": "2026-03-01 11:50:00"}
    (signal,) = read(a_message(told)).signals
    assert (signal.severity, signal.started_at.minute) == (Severity.CRITICAL, 50)


def test_a_script_may_tell_the_current_states() -> None:
    told = {"HOST_NAME": "web01", "HOST_CURRENT_STATE": "UP", "SERVICE_NAME": "CPU"}
    told |= {"SERVICE_CURRENT_STATE": "WARNING", "TYPE": "PROBLEM", "TS": "2026-03-01 11:50:00"}
    (signal,) = read(a_message(told)).signals
    assert (signal.severity, signal.started_at.minute) == (Severity.WARNING, 50)


@pytest.mark.parametrize(
    ("state", "severity"),
    [("DOWN", Severity.CRITICAL), ("UNREACHABLE", Severity.ERROR)],
)
def test_a_host_that_is_down_is_posted_as_a_form(state: str, severity: Severity) -> None:
    form = f"hostname=web01&hoststate={state}&what=HOST&notificationtype=PROBLEM"
    headers = {"content_type": "application/x-www-form-urlencoded"}
    (signal,) = read(a_message(form.encode(), **headers)).signals
    assert (signal.component, signal.severity) == ("web01", severity)


@pytest.mark.parametrize(
    "kind", ["ACKNOWLEDGEMENT", "DOWNTIMESTART", "DOWNTIMEEND", "FLAPPINGSTOP"]
)
def test_what_people_do_about_it_tells_of_no_failure(kind: str) -> None:
    understood = read(a_message(a_notification(NOTIFY_NOTIFICATIONTYPE=kind)))
    assert understood.signals == [] and kind.lower() in understood.remarks[0]


@pytest.mark.parametrize("body", [None, 1, [], {}, {"host": "web01"}, b"", b"a=b"])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {"keep_0.json": [Expected("server1", "resolved", "unknown", "2024-10-26T23:20:39Z")]}


def test_the_real_ones_are_understood() -> None:
    assert_understood("checkmk", REAL)
