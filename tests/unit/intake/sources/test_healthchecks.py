"""What Healthchecks.io sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.healthchecks import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expectations, a_message, assert_understood


def a_change(**given: object) -> dict[str, object]:
    return {
        "code": "f0c9b7f4-8e5b-4f54-a1cf-a8b1b3c5b8a1",
        "name": "Nightly backup",
        "status": "down",
        "now": "2026-03-01T11:58:00+00:00",
        "tags": "prod backup",
    } | given


def test_a_check_that_is_down_is_firing() -> None:
    (signal,) = read(a_message(a_change())).signals
    assert (signal.component, signal.state) == ("Nightly backup", SignalState.FIRING)
    assert signal.summary == "Nightly backup is down"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.labels == {"tags": "prod backup"}


def test_the_customers_own_json_may_use_plain_words() -> None:
    """healthchecks.io, docs, webhooks: the body's names are the customer's."""
    told = {"check_name": "Nightly backup", "state": "down", "timestamp": "2026-03-01T11:58:00Z"}
    (signal,) = read(a_message(told)).signals
    assert (signal.component, signal.state) == ("Nightly backup", SignalState.FIRING)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_up_ends_the_same_failure() -> None:
    down, up = (read(a_message(a_change(status=status))).signals[0] for status in ("down", "up"))
    assert up.state is SignalState.RESOLVED and up.fingerprint == down.fingerprint
    assert up.ended_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_the_slack_compatible_message_says_the_same() -> None:
    attachment = {
        "title": "“Nightly backup” is DOWN.",
        "title_link": "https://healthchecks.io/checks/f0c9b7f4/details/",
        "fields": [{"title": "Project", "value": "Ops"}, {"title": "Tags", "value": "prod"}],
    }
    (signal,) = read(a_message({"attachments": [attachment], "username": "h"})).signals
    assert (signal.component, signal.state) == ("Nightly backup", SignalState.FIRING)
    assert signal.labels == {"project": "Ops", "tags": "prod"}


@pytest.mark.parametrize("given", [{"name": "TEST"}, {"status": "paused"}, {"status": "grace"}])
def test_what_is_no_failure_is_remarked_on(given: dict[str, object]) -> None:
    understood = read(a_message(a_change(**given)))
    assert not understood.signals and len(understood.remarks) == 1


@pytest.mark.parametrize("body", [{}, [], None, {"name": "x"}, {"attachments": [1, {}]}])
def test_what_is_no_change_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL: Expectations = {}


def test_the_real_ones_are_understood() -> None:
    assert_understood("healthchecks", REAL)
