"""What StatusCake sends, by its knowledge base."""

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.statuscake import read
from support.messages import Expectations, a_message, assert_understood

DOWN = (
    b"URL=https%3A%2F%2Fshop.example&Token=5f4dcc3b&Name=Shop&StatusCode=503&Status=Down"
    b"&IP=203.0.113.9&Tags=web%2Ceu"
)


def test_a_test_that_is_down_is_firing() -> None:
    (signal,) = read(a_message(DOWN, content_type="application/x-www-form-urlencoded")).signals
    assert (signal.component, signal.state) == ("Shop", SignalState.FIRING)
    assert (signal.summary, signal.description) == ("Shop is down", "503")
    assert signal.severity is Severity.UNKNOWN
    assert signal.labels is not None and signal.labels["tags"] == "web,eu"


def test_up_ends_the_same_failure() -> None:
    down = read(a_message(DOWN)).signals[0]
    up = read(a_message({"URL": "https://shop.example", "Name": "Shop", "Status": "Up"})).signals[0]
    assert up.state is SignalState.RESOLVED and up.fingerprint == down.fingerprint


def test_the_token_of_the_account_is_not_kept() -> None:
    (signal,) = read(a_message(DOWN)).signals
    assert "Token" not in orjson.loads(signal.body)


def test_two_outages_of_a_test_are_two_messages() -> None:
    one, two = (read(a_message(DOWN)).signals[0] for _ in range(2))
    assert one.id != two.id


def test_a_notice_without_a_state_is_a_warning() -> None:
    notice = {"Name": "Shop", "URL": "https://shop.example", "Message": "Certificate expires soon"}
    (signal,) = read(a_message(notice)).signals
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.WARNING)
    assert signal.fingerprint.endswith(":notice")


@pytest.mark.parametrize("body", [{}, [], None, {"Name": "Shop"}, b"Name=Shop"])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL: Expectations = {}


def test_the_real_ones_are_understood() -> None:
    assert_understood("statuscake", REAL)
