"""What a notification command of Nagios posts, by its macros."""

from urllib.parse import urlencode

import pytest

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.nagios import read
from support.messages import NOW, a_message


def of_a_service(**given: object) -> dict[str, object]:
    return {
        "NOTIFICATIONTYPE": "PROBLEM",
        "HOSTNAME": "db1",
        "HOSTSTATE": "UP",
        "SERVICEDESC": "Disk space",
        "SERVICESTATE": "CRITICAL",
        "SERVICEOUTPUT": "DISK CRITICAL - 1% free",
        "LASTSTATECHANGE": "1772365800",
        "SERVICENOTESURL": "https://runbooks.example/disk",
    } | given


def of_a_host(**given: object) -> dict[str, object]:
    return {
        "NOTIFICATIONTYPE": "PROBLEM",
        "HOSTNAME": "db1",
        "HOSTSTATE": "DOWN",
        "HOSTOUTPUT": "PING CRITICAL",
        "LASTHOSTSTATECHANGE": 1772365800,
    } | given


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_a_problem_of_a_service_is_a_failure_on_its_host() -> None:
    signal = only(of_a_service())
    assert signal.component == "db1"
    assert signal.summary == "Disk space on db1: DISK CRITICAL - 1% free"
    assert (signal.state.value, signal.severity.value) == ("firing", "critical")
    assert signal.started_at.isoformat() == "2026-03-01T11:50:00+00:00"
    assert signal.labels is not None and signal.labels["service"] == "Disk space"
    assert [link.text for link in signal.links] == ["notes"]


def test_a_problem_of_a_host_is_a_failure_of_its_own() -> None:
    signal = only(of_a_host())
    assert (signal.component, signal.severity.value) == ("db1", "critical")
    assert signal.started_at.isoformat() == "2026-03-01T11:50:00+00:00"
    assert signal.fingerprint != only(of_a_service()).fingerprint


def test_a_recovery_is_the_same_failure_and_ends_with_the_change_of_state() -> None:
    said = {"NOTIFICATIONTYPE": "RECOVERY", "SERVICESTATE": "OK", "LASTSTATECHANGE": "1772366100"}
    recovery = only(of_a_service(**said))
    assert recovery.state is SignalState.RESOLVED
    assert recovery.fingerprint == only(of_a_service()).fingerprint
    assert recovery.ended_at is not None and recovery.ended_at.minute == 55


def test_a_custom_variable_names_the_component() -> None:
    assert only(of_a_service(_SERVICECOMPONENT="payments")).component == "payments"


def test_macros_of_the_environment_are_read_from_a_form() -> None:
    form = {f"NAGIOS_{name}": value for name, value in of_a_service().items()}
    form |= {"NAGIOS__HOSTCOMPONENT": "orders-db"}
    signal = only(urlencode(form).encode())
    assert signal.component == "orders-db"
    assert signal.fingerprint == only(of_a_service()).fingerprint


def test_small_letters_and_macros_that_are_not_filled_in_are_read() -> None:
    said = {"notification_type": "PROBLEM", "host_name": "db1", "host_state": "UNREACHABLE"}
    signal = only(said | {"service_desc": "$SERVICEDESC$"})
    assert (signal.component, signal.severity.value) == ("db1", "error")
    assert signal.fingerprint == only(of_a_host()).fingerprint


def test_the_start_is_told_by_how_long_the_state_has_lasted() -> None:
    said = {"LASTSTATECHANGE": None, "TIMET": "1772366100", "SERVICEDURATIONSEC": "300"}
    assert only(of_a_service(**said)).started_at.isoformat() == "2026-03-01T11:50:00+00:00"
    assert only(of_a_service(LASTSTATECHANGE=None)).started_at == NOW


@pytest.mark.parametrize(
    ("state", "severity"),
    [("CRITICAL", "critical"), ("WARNING", "warning"), ("UNKNOWN", "unknown")],
)
def test_severity_is_the_services_state(state: str, severity: str) -> None:
    assert only(of_a_service(SERVICESTATE=state)).severity.value == severity


def test_the_state_counts_when_no_type_is_said() -> None:
    assert only(of_a_service(NOTIFICATIONTYPE="")).state is SignalState.FIRING
    assert only(of_a_host(NOTIFICATIONTYPE="", HOSTSTATE="UP")).state is SignalState.RESOLVED


@pytest.mark.parametrize(
    "told", ["ACKNOWLEDGEMENT", "FLAPPINGSTART", "FLAPPINGSTOP", "DOWNTIMESTART", "CUSTOM"]
)
def test_other_types_tell_of_no_failure(told: str) -> None:
    understood = read(a_message(of_a_service(NOTIFICATIONTYPE=told)))
    assert not understood.signals and told in understood.remarks[0]


@pytest.mark.parametrize(
    "told",
    [
        {"LONGDATETIME": "Sun Mar 1 11:50:00 UTC 2026"},
        {"SHORTDATETIME": "03-01-2026 11:50:00"},
        {"DATE": "03-01-2026", "TIME": "11:50:00"},
        {"date": "2026-03-01 12:50:00 +0100"},
        {"TIMET": "1772365800"},
    ],
)
def test_when_it_changed_may_be_told_by_any_macro_of_a_time(told: dict[str, object]) -> None:
    """assets.nagios.com, macrolist: date macros, in the default date format `us`."""
    assert only(of_a_service(LASTSTATECHANGE=None, **told)).started_at.minute == 50


@pytest.mark.parametrize(
    "given",
    [
        {"SERVICESTATE": None, "SERVICESTATEID": "2"},
        {"SERVICEDESC": None, "service_description": "Disk space"},
        {"HOSTNAME": None, "NOTIFICATIONTYPE": None, "host": "db1", "type": "PROBLEM"},
    ],
)
def test_what_is_told_may_be_told_in_other_words(given: dict[str, object]) -> None:
    signal = only(of_a_service(**given))
    assert (signal.component, signal.severity.value) == ("db1", "critical")
    assert signal.fingerprint == only(of_a_service()).fingerprint


def test_a_soft_state_is_no_failure_yet() -> None:
    """assets.nagios.com, "State types": only a hard state notifies."""
    assert not read(a_message(of_a_service(SERVICESTATETYPE="SOFT"))).signals
    assert only(of_a_service(SERVICESTATETYPE="HARD")).state is SignalState.FIRING


@pytest.mark.parametrize("body", [None, [], "text", {}, {"SERVICEDESC": "x"}, b"a=b"])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))
