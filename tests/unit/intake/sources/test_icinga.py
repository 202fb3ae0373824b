"""What Icinga 2's notification scripts post, and its API streams, by its documentation."""

from urllib.parse import urlencode

import pytest

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.icinga import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import a_message


def of_a_script(**given: object) -> dict[str, object]:
    return {
        "NOTIFICATIONTYPE": "PROBLEM",
        "HOSTNAME": "web01",
        "HOSTDISPLAYNAME": "Web 01",
        "SERVICENAME": "http",
        "SERVICESTATE": "WARNING",
        "SERVICEOUTPUT": "HTTP WARNING: 4 s",
        "LASTSTATECHANGE": "1772365800.123",
    } | given


def of_the_stream(**given: object) -> dict[str, object]:
    return {
        "type": "Notification",
        "timestamp": 1772365800.5,
        "host": "web01",
        "service": "http",
        "notification_type": "PROBLEM",
        "author": "",
        "text": "",
        "users": ["icingaadmin"],
        "check_result": {"state": 2.0, "output": "HTTP CRITICAL"},
    } | given


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_a_problem_told_by_a_script_is_a_failure_on_its_host() -> None:
    signal = only(of_a_script())
    assert (signal.component, signal.summary) == ("web01", "http on web01: HTTP WARNING: 4 s")
    assert (signal.state.value, signal.severity.value) == ("firing", "warning")
    assert signal.started_at.replace(microsecond=0).isoformat() == "2026-03-01T11:50:00+00:00"


def test_a_scripts_form_may_name_its_macros_as_icinga_1_did() -> None:
    said = {
        "ICINGA_NOTIFICATIONTYPE": "RECOVERY",
        "ICINGA_HOSTNAME": "web01",
        "ICINGA_SERVICEDESC": "http",
        "ICINGA_SERVICESTATE": "OK",
    }
    resolved = only(urlencode(said).encode())
    assert resolved.state is SignalState.RESOLVED
    assert resolved.fingerprint == only(of_a_script()).fingerprint


def test_a_notification_of_the_stream_is_the_same_failure() -> None:
    signal = only(of_the_stream())
    assert (signal.component, signal.severity.value) == ("web01", "critical")
    assert signal.fingerprint == only(of_a_script()).fingerprint
    assert b"icingaadmin" in signal.body


@pytest.mark.parametrize(
    ("state", "severity"), [(2, "critical"), (3, "critical"), ("", "unknown"), (None, "unknown")]
)
def test_a_hosts_notification_has_the_state_of_the_check(state: object, severity: str) -> None:
    signal = only(of_the_stream(service=None, check_result={"state": state}))
    assert (signal.state.value, signal.severity.value) == ("firing", severity)


@pytest.mark.parametrize(
    ("given", "state", "severity"),
    [
        ({"state": 2}, "firing", "critical"),
        ({"state": 0}, "resolved", "unknown"),
        ({"state": 1.0, "service": ""}, "firing", "critical"),
        ({"state": 0.0, "service": ""}, "resolved", "unknown"),
    ],
)
def test_a_hard_change_of_state_is_a_failure_or_its_end(
    given: dict[str, object], state: str, severity: str
) -> None:
    change = of_the_stream(type="StateChange", state_type=1, notification_type=None, **given)
    signal = only(change)
    assert (signal.state.value, signal.severity.value) == (state, severity)


@pytest.mark.parametrize(
    "given",
    [
        {"type": "StateChange", "state_type": 0, "state": 2},
        {"type": "CheckResult", "notification_type": None},
        {"type": "DowntimeAdded", "notification_type": None},
        {"notification_type": "ACKNOWLEDGEMENT"},
        {"notification_type": "DowntimeStart"},
    ],
)
def test_other_events_tell_of_no_failure(given: dict[str, object]) -> None:
    understood = read(a_message(of_the_stream(**given)))
    assert not understood.signals and understood.remarks


def test_a_scripts_names_may_be_those_of_the_objects() -> None:
    """icinga.com, Icinga 2, runtime macros: `$host.name$`, `$service.state$`, `$icinga.timet$`."""
    told = {
        "notification.type": "PROBLEM",
        "host": {"name": "web01", "state": "UP"},
        "service": {"name": "http", "state": "CRITICAL", "last_state_change": 1772365800},
        "icinga.long_date_time": "2026-03-01 12:55:00 +0100",
    }
    signal = only(told)
    assert signal.fingerprint == only(of_a_script()).fingerprint
    assert (signal.severity.value, signal.started_at.minute) == ("critical", 50)
    del told["service"]
    assert only(told | {"host": {"name": "web01", "state": "DOWN"}}).started_at.minute == 55


def test_macros_may_lie_in_an_object_of_data() -> None:
    """icinga.com, Icinga 2, notification scripts: the body is what the script makes of them."""
    told: dict[str, object] = {"notification_type": "PROBLEM", "hostname": "web01"}
    told |= {"data": {"service_state": "WARNING", "service_description": "http"}}
    signal = only(told)
    assert (signal.component, signal.severity.value) == ("web01", "warning")
    assert signal.fingerprint == only(of_a_script()).fingerprint


@pytest.mark.parametrize("body", [None, [], "text", {}, {"SERVICENAME": "http"}])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))
