"""What Librato (AppOptics) sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.librato import read
from support.messages import Expectations, Expected, Refused, a_message, assert_understood


def an_alert(**given: object) -> dict[str, object]:
    return {
        "alert": {
            "id": 5846005,
            "name": "High load",
            "runbook_url": "https://runbooks.example/load",
            "description": "Load is too high",
        },
        "trigger_time": 1772366280,
        "conditions": [{"id": 1, "type": "above", "threshold": 2}],
        "violations": {"web1.example": [{"metric": "load", "value": 2.3}]},
    } | given


def test_an_alert_is_firing_at_its_source() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.summary) == ("web1.example", "High load")
    assert signal.description == "Load is too high\nweb1.example: load is 2.3"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert [link.text for link in signal.links] == ["runbook"]


def test_a_cleared_alert_ends_the_same_failure() -> None:
    cleared = {"alert": {"id": 5846005, "name": "High load"}, "clear": "normal"}
    (signal,) = read(a_message(cleared | {"trigger_time": 1772366400})).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "5846005")
    assert signal.ended_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_forms_field_payload_says_the_same() -> None:
    form = b"payload=%7B%22alert%22%3A%7B%22id%22%3A7%2C%22name%22%3A%22Load%22%7D%7D"
    (signal,) = read(a_message(form)).signals
    assert (signal.component, signal.fingerprint) == ("Load", "7")


def test_a_persons_test_and_a_snapshot_are_remarked_on() -> None:
    assert not read(a_message(an_alert(triggered_by_user_test=True))).signals
    assert not read(a_message({"attachments": []})).signals


@pytest.mark.parametrize("body", [{}, [], None, {"alert": 1}, b"{"])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL: Expectations = {
    "zulip_alert_cleared.json": [
        Expected("Alert_name", "resolved", "unknown", "2016-04-12T13:11:44Z")
    ],
    "zulip_bad.json": Refused("no JSON"),
    "zulip_bad_msg_type.json": [],
    "zulip_snapshot.json": [],
    "zulip_three_conditions_alert.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("librato", REAL)
