"""What Zabbix' media types and connectors send, by its documentation."""

from urllib.parse import urlencode

import orjson
import pytest

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.zabbix import read
from support.messages import NOW, Expected, a_message, assert_understood


def an_event(**given: object) -> dict[str, object]:
    return {
        "event_id": "137",
        "event_name": "Too many processes on web01",
        "event_value": "1",
        "event_severity": "High",
        "event_date": "2026.03.01",
        "event_time": "11:50:00",
        "event_update_status": "0",
        "event_source": "0",
        "event_tags": "scope:capacity",
        "host_name": "web01",
        "trigger_id": "13926",
        "event_recovery_date": "{EVENT.RECOVERY.DATE}",
        "event_recovery_time": "{EVENT.RECOVERY.TIME}",
    } | given


def only(body: object) -> Signal:
    (signal,) = read(a_message(body)).signals
    return signal


def test_a_problem_is_a_failure_of_its_host() -> None:
    signal = only(an_event())
    assert (signal.component, signal.summary) == ("web01", "Too many processes on web01")
    assert (signal.state.value, signal.severity.value) == ("firing", "error")
    assert signal.started_at.isoformat() == "2026-03-01T11:50:00+00:00"
    assert signal.labels is not None and signal.labels["tags"] == "scope:capacity"


def test_a_recovery_is_the_same_failure_and_says_its_end() -> None:
    recovery = an_event(
        event_value="0", event_recovery_date="2026.03.01", event_recovery_time="11:55:00"
    )
    resolved = only(recovery)
    assert resolved.state is SignalState.RESOLVED
    assert resolved.fingerprint == only(an_event()).fingerprint
    assert resolved.started_at.minute == 50
    assert resolved.ended_at is not None and resolved.ended_at.minute == 55


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ("Disaster", "critical"),
        ("High", "error"),
        ("Average", "warning"),
        ("Warning", "warning"),
        ("Information", "info"),
        ("Not classified", "unknown"),
        (5, "critical"),
        ("*UNKNOWN*", "unknown"),
    ],
)
def test_severity_is_the_triggers(said: object, severity: str) -> None:
    assert only(an_event(event_severity=said)).severity.value == severity


def test_macros_may_be_spelled_as_zabbix_does_and_sent_as_a_form() -> None:
    form = {
        "EVENT.ID": "137",
        "TRIGGER.NAME": "Too many processes",
        "HOST.HOST": "web01",
        "TRIGGER.STATUS": "OK",
    }
    resolved = only(urlencode(form).encode())
    assert (resolved.component, resolved.state) == ("web01", SignalState.RESOLVED)
    assert resolved.fingerprint == only(an_event()).fingerprint


def test_the_problem_is_known_by_its_link_when_nothing_else_names_it() -> None:
    said = {"hostname": "web01", "trigger": "Down", "status": "PROBLEM", "severity": "High"}
    link = "https://zabbix.example/tr_events.php?triggerid=13926&eventid=137"
    assert only(said | {"link": link}).fingerprint == only(an_event()).fingerprint


def test_streamed_events_are_read_line_by_line() -> None:
    problem = {
        "eventid": 137,
        "clock": 1772365800,
        "value": 1,
        "severity": 4,
        "name": "Too many processes",
        "hosts": [{"host": "web01", "name": "Web 01"}],
        "tags": [{"tag": "scope", "value": "capacity"}],
    }
    recovery = {"eventid": 140, "p_eventid": 137, "clock": 1772366100, "value": 0}
    lines = [orjson.dumps(problem), b"{no JSON", orjson.dumps(recovery)]
    understood = read(a_message(b"\n".join(lines)))
    firing, resolved = understood.signals
    assert (firing.component, firing.severity.value) == ("Web 01", "error")
    assert firing.started_at.isoformat() == "2026-03-01T11:50:00+00:00"
    assert resolved.ended_at is not None and resolved.ended_at.minute == 55
    assert firing.fingerprint == resolved.fingerprint
    assert understood.remarks == ["line 2 is no event and was left out"]


@pytest.mark.parametrize(
    "given",
    [
        {"event_update_status": "1"},
        {"event_source": "1"},
        {"event_value": None, "event_severity": "Not classified"},
    ],
)
def test_updates_discoveries_and_events_without_a_value_tell_of_no_failure(
    given: dict[str, object],
) -> None:
    understood = read(a_message(an_event(**given)))
    assert not understood.signals and understood.remarks


def test_a_test_with_macros_that_are_not_filled_in_tells_of_no_failure() -> None:
    understood = read(a_message({"event_id": "{EVENT.ID}", "event_name": "{EVENT.NAME}"}))
    assert not understood.signals and "test" in understood.remarks[0]


def test_an_items_value_says_nothing_of_the_state() -> None:
    assert not read(a_message({"trigger": "Down", "value": "0"})).signals


def test_a_notification_without_a_time_counts_from_when_it_came() -> None:
    assert only(an_event(event_date=None, event_time=None)).started_at == NOW


@pytest.mark.parametrize(
    ("given", "minute"),
    [
        ({"event_time": "{EVENT.TIME}"}, 0),
        ({"event_date": "{EVENT.DATE}", "event_time": "2026-03-01 11:50:00"}, 50),
        ({"event_date": None, "event_time": None, "timestamp": "2026-03-01T11:50:00Z"}, 50),
        ({"event_date": None, "event_time": None, "date": "2026.03.01", "time": "11:50:00"}, 50),
    ],
)
def test_a_start_needs_a_date_and_a_time(given: dict[str, object], minute: int) -> None:
    signal = only(an_event(**given))
    assert signal.started_at.minute == minute and (minute or signal.started_at == NOW)


def test_the_default_messages_are_read_for_what_they_say() -> None:
    """zabbix.com, manual, media types, message templates: the default ones for triggers."""
    begun = only(
        {
            "subject": "Problem: CPU is busy",
            "message": "Problem started at 11:50:00 on 2026.03.01\r\nProblem name: CPU is busy\r\n"
            "Host: web01\r\nSeverity: High\r\nOriginal problem ID: 137\r\n",
        }
    )
    over = only(
        {
            "subject": "Resolved in 5m 0s: CPU is busy",
            "message": "Problem has been resolved in 5m 0s at 11:55:00 on 2026.03.01\r\n"
            "Problem name: CPU is busy\r\nHost: web01\r\nSeverity: High\r\n"
            "Original problem ID: 137\r\n",
        }
    )
    assert (begun.component, begun.severity.value) == ("web01", "error")
    assert begun.started_at.minute == 50 and begun.summary == "CPU is busy"
    assert over.state is SignalState.RESOLVED and over.fingerprint == begun.fingerprint
    assert over.ended_at is not None and over.ended_at.minute == 55
    update = {"subject": "Updated problem in 5m: CPU is busy", "message": "Admin closed problem."}
    assert not read(a_message(update)).signals


@pytest.mark.parametrize(
    "body",
    [
        {"eventid": "137", "host": "web01", "name": "CPU is busy", "severity": "4"}
        | {"clock": "2026.03.01 11:50:00"},
        {"id": "137", "service": "web01", "name": "CPU is busy", "status": "PROBLEM"}
        | {"EVENT.NSEVERITY": "4", "lastReceived": "2026.03.01 11:50:00"},
        {"trigger": {"name": "CPU is busy", "status": "PROBLEM", "severity": "High"}}
        | {
            "items": [{"key": "cpu", "name": "CPU", "host": "web01"}],
            "date": "2026.03.01 / 11:50:00",
        },
        {"event": {"id": "137", "name": "CPU is busy", "value": "1", "severity": "High"}}
        | {"host": {"name": "web01"}, "timestamp": "2026.03.01T11:50:00Z"},
    ],
)
def test_a_script_names_and_nests_what_it_likes(body: object) -> None:
    """zabbix.com, manual, webhook scripts: the body is what the script makes of its parameters."""
    signal = only(body)
    assert (signal.component, signal.summary) == ("web01", "CPU is busy")
    assert (signal.state.value, signal.severity.value) == ("firing", "error")
    assert signal.started_at.minute == 50


def test_where_no_value_is_sent_a_recovery_is_told_by_its_time() -> None:
    """zabbix.com, manual, macros: {EVENT.RECOVERY.DATE} has a value once there is a recovery."""
    begun = an_event(event_value=None)
    over = an_event(
        event_value=None, event_recovery_date="2026.03.01", event_recovery_time="11:55:00"
    )
    assert only(begun).state is SignalState.FIRING
    assert only(over).state is SignalState.RESOLVED


@pytest.mark.parametrize("body", [None, [], "text", {}, {"status": "PROBLEM"}, b"a\nb"])
def test_what_is_no_notification_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_zabbix_invalid_payload_with_missing_data.json": [
        Expected(
            "Zabbix agent on www.example.com is unreachable for 5 minutes",
            "firing",
            "warning",
            None,
        )
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("zabbix", REAL)
