"""What Runscope sends, by its documentation of webhook notifications."""

from datetime import UTC, datetime

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.runscope import read
from support.messages import Expected, a_message, assert_understood


def a_run(**given: object) -> dict[str, object]:
    return {
        "result": "fail",
        "test_id": "t1",
        "test_run_id": "r1",
        "test_name": "Checkout API",
        "environment_uuid": "e1",
        "region": "us1",
        "started_at": 1772366280.5,
        "finished_at": 1772366282.25,
        "requests": [
            {"result": "pass", "url": "https://a.example"},
            {"result": "fail", "method": "GET", "url": "https://b.example"}
            | {"response_status_code": "500"},
        ],
    } | given


def test_a_run_that_fails_is_firing() -> None:
    (signal,) = read(a_message(a_run())).signals
    assert (signal.component, signal.summary) == ("Checkout API", "Checkout API failed")
    assert signal.description == "GET https://b.example: 500"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 500000, tzinfo=UTC)


def test_a_run_that_passes_ends_the_failure_of_its_environment_and_region() -> None:
    failed = read(a_message(a_run())).signals[0]
    passed = read(a_message(a_run(result="pass"))).signals[0]
    elsewhere = read(a_message(a_run(result="pass", region="eu1"))).signals[0]
    assert passed.state is SignalState.RESOLVED
    assert passed.fingerprint == failed.fingerprint != elsewhere.fingerprint
    assert passed.ended_at == datetime(2026, 3, 1, 11, 58, 2, 250000, tzinfo=UTC)


def test_a_cancelled_run_is_remarked_on() -> None:
    understood = read(a_message(a_run(result="canceled")))
    assert not understood.signals and "canceled" in understood.remarks[0]


@pytest.mark.parametrize("body", [{}, [], None, {"result": "fail"}, {"test_name": "x"}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_test_failed_payload.json": [
        Expected("Aloha Integration", "firing", "unknown", "2017-12-29T06:10:00Z")
    ],
    "zulip_test_pass_payload.json": [
        Expected("Aloha Integration", "resolved", "unknown", "2017-12-29T05:58:45Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("runscope", REAL)
