"""What Splunk's webhook alert action sends, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.splunk import read
from support.messages import Expected, a_message, assert_understood


def a_trigger(**result: object) -> dict[str, object]:
    return {
        "sid": "scheduler_admin_1",
        "search_name": "Payments fail",
        "app": "search",
        "owner": "admin",
        "results_link": "https://splunk.example/results",
        "result": {"host": "web01", "_time": "1772366280", "_raw": "500 on /pay"} | result,
    }


def test_a_triggered_search_is_a_failure_of_the_host() -> None:
    (signal,) = read(a_message(a_trigger())).signals
    assert (signal.component, signal.summary) == ("web01", "Payments fail")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.UNKNOWN)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.description == "500 on /pay"


def test_a_service_is_more_specific_and_severity_is_the_searchs() -> None:
    (signal,) = read(a_message(a_trigger(service="payments", severity="high"))).signals
    assert (signal.component, signal.severity) == ("payments", Severity.ERROR)
    (numbered,) = read(a_message(a_trigger(**{"alert.severity": 5}))).signals
    assert numbered.severity is Severity.CRITICAL


def test_a_field_of_several_values_is_told_by_its_first() -> None:
    """docs.splunk.com, search reference: a multivalue field is a list in a result."""
    (signal,) = read(a_message(a_trigger(host=["web01", "web02"]))).signals
    assert signal.component == "web01"


def test_the_same_search_on_the_same_host_is_the_same_failure_and_another_message() -> None:
    one = read(a_message(a_trigger())).signals[0]
    again = read(a_message(a_trigger())).signals[0]
    other = read(a_message(a_trigger(_raw="502 on /pay"))).signals[0]
    assert one.id == again.id
    assert other.id != one.id and other.fingerprint == one.fingerprint


@pytest.mark.parametrize("body", [None, 1, [], {}, {"result": 3}])
def test_what_is_no_trigger_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="search_name"):
        read(a_message(body))


AT = "2017-01-04T19:14:32Z"
REAL = {
    "zulip_missing_host.json": [Expected("sudo", "firing", "unknown", AT)],
    "zulip_missing_raw.json": [Expected("myserver", "firing", "unknown", AT)],
    "zulip_missing_search_name.json": [Expected("myserver", "firing", "unknown", AT)],
    "zulip_missing_source.json": [Expected("myserver", "firing", "unknown", AT)],
    "zulip_search_one_result.json": [Expected("myserver", "firing", "unknown", AT)],
    "zulip_short_search_name.json": [Expected("myserver", "firing", "unknown", AT)],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("splunk", REAL)
