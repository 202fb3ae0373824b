"""What Papertrail sends, by its documentation of web hooks."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.papertrail import read
from support.messages import Expectations, Expected, Refused, a_message, assert_understood


def a_find(**given: object) -> dict[str, object]:
    return {
        "saved_search": {"id": 42, "name": "Crashes", "query": "segfault"},
        "events": [
            {
                "source_name": "web1",
                "hostname": "ip-10-0-0-1",
                "program": "kernel",
                "severity": "Warning",
                "received_at": "2026-03-01T04:58:30-07:00",
                "message": "segfault at 0",
            },
            {
                "source_name": "web2",
                "severity": "Critical",
                "received_at": "2026-03-01T04:58:00-07:00",
                "message": "segfault at 8",
            },
        ],
        "max_id": 7711582041804800,
    } | given


def test_what_a_search_finds_is_firing_at_the_system_whose_lines_it_found() -> None:
    (signal,) = read(a_message(a_find())).signals
    assert (signal.component, signal.summary) == ("web1", "Crashes: segfault at 0")
    assert signal.severity is Severity.CRITICAL
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.fingerprint == "42"


def test_the_same_find_is_the_same_message_and_a_later_one_is_another() -> None:
    one, again = (read(a_message(a_find())).signals[0] for _ in range(2))
    later = read(a_message(a_find(max_id=8))).signals[0]
    assert one.id == again.id != later.id


def test_counts_say_how_often_and_since_when() -> None:
    counts = [{"source_name": "web3", "timeseries": {"1772366340": 2, "1772366280": 5}}]
    (signal,) = read(a_message(a_find(events=None, counts=counts))).signals
    assert signal.component == "web3" and signal.state is SignalState.FIRING
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_silence_is_firing_too() -> None:
    (signal,) = read(a_message(a_find(events=[]))).signals
    assert (signal.component, signal.severity) == ("Crashes", Severity.UNKNOWN)


@pytest.mark.parametrize("body", [{}, [], None, {"saved_search": {}}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL: Expectations = {
    "zulip_incorrect_post.json": Refused("`events` or `counts`"),
    "zulip_long_post.json": [Expected("abc", "firing", "info", "2011-05-19T03:30:02Z")],
    "zulip_short_post.json": [Expected("abc", "firing", "info", "2011-05-19T03:30:02Z")],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("papertrail", REAL)
