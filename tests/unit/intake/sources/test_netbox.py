"""What NetBox sends, by its documentation of webhooks."""

import pytest

from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.netbox import read
from support.messages import Expectations, a_message, assert_understood


@pytest.mark.parametrize("event", ["created", "updated", "deleted"])
def test_a_change_is_no_failure(event: str) -> None:
    body = {"event": event, "model": "site", "data": {"display": "Berlin"}}
    understood = read(a_message(body))
    assert understood.signals == []
    assert understood.remarks == [f"site Berlin {event}: a change, no failure"]


@pytest.mark.parametrize("body", [{}, [], None, {"event": "created"}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL: Expectations = {
    "keep_0.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("netbox", REAL)
