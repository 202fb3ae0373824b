"""What Airbrake sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.airbrake import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def an_error(**given: object) -> dict[str, object]:
    return {
        "error": {
            "id": 37463546,
            "error_class": "ZeroDivisionError",
            "error_message": "divided by 0",
            "project": {"id": 1055, "name": "Shop"},
            "last_notice": {"id": 4505303522},
            "environment": "production",
            "first_occurred_at": "2026-03-01T11:58:00Z",
            "last_occurred_at": "2026-03-01T11:59:00Z",
        }
        | given,
        "airbrake_error_url": "https://shop.airbrake.example/groups/37463546",
    }


def test_an_error_is_firing_in_its_project() -> None:
    (signal,) = read(a_message(an_error())).signals
    assert (signal.component, signal.state) == ("Shop", SignalState.FIRING)
    assert signal.summary == "ZeroDivisionError: divided by 0"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.fingerprint == "37463546"


def test_one_more_notice_is_one_more_message() -> None:
    one, again = (read(a_message(an_error())).signals[0] for _ in range(2))
    other = read(a_message(an_error(last_notice={"id": 2}))).signals[0]
    assert one.id == again.id != other.id and other.fingerprint == one.fingerprint


def test_a_deployment_is_remarked_on() -> None:
    understood = read(a_message({"deploy": {"revision": "abc"}}))
    assert (understood.signals, understood.remarks) == ([], ["a deployment"])


@pytest.mark.parametrize("body", [{}, [], None, {"error": "x"}])
def test_what_is_no_error_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_error_message.json": [
        Expected("AlohaIntegrationTest", "firing", "unknown", "2016-06-10T17:07:10Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("airbrake", REAL)
