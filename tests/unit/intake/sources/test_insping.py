"""What Insping sent."""

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.insping import KIND
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def test_a_check_is_called_by_its_host() -> None:
    data = {"check_state_name": "Not Responding", "request_url": "http://shop.example:8080/x"}
    (signal,) = KIND.read(a_message({"webhook_event_data": data})).signals
    assert (signal.component, signal.state) == ("shop.example", SignalState.FIRING)


@pytest.mark.parametrize("body", [{}, [], None])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        KIND.read(a_message(body))


REAL = {
    "zulip_website_state_available.json": [
        Expected("privisus.zulipdev.org", "resolved", "unknown", "2017-12-29T17:23:46Z")
    ],
    "zulip_website_state_not_responding.json": [
        Expected("privisus.zulipdev.org", "firing", "unknown", "2017-12-29T17:13:46Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("insping", REAL)
