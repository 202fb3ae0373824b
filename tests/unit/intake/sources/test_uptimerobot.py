"""What UptimeRobot sends, by its documentation of web-hook alert contacts."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.uptimerobot import read
from support.messages import Expected, a_message, assert_understood


def an_alert(**given: object) -> dict[str, object]:
    return {
        "monitorID": "779",
        "monitorURL": "https://shop.example",
        "monitorFriendlyName": "Shop",
        "alertType": "1",
        "alertTypeFriendlyName": "Down",
        "alertDetails": "Connection Timeout",
        "alertDateTime": "1772366280",
    } | given


def test_down_is_firing_since_the_alert() -> None:
    (signal,) = read(a_message(an_alert())).signals
    assert (signal.component, signal.state) == ("Shop", SignalState.FIRING)
    assert signal.summary == "Shop is down: Connection Timeout"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.severity is Severity.UNKNOWN


def test_up_ends_it_and_tells_how_long_it_was_down() -> None:
    down = read(a_message(an_alert())).signals[0]
    up = read(a_message(an_alert(alertType=2, alertDateTime=1772366340, alertDuration="60")))
    (signal,) = up.signals
    assert signal.state is SignalState.RESOLVED and signal.fingerprint == down.fingerprint
    assert signal.started_at == down.started_at
    assert signal.ended_at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)


def test_the_customers_own_json_may_use_plain_words() -> None:
    """help.uptimerobot.com, web-hooks: "Send as JSON" with names of one's own."""
    told = {"monitor": "Shop", "status": "Down", "url": "https://shop.example", "reason": "Timeout"}
    (signal,) = read(a_message(told | {"time": "1772366280"})).signals
    assert (signal.component, signal.state) == ("Shop", SignalState.FIRING)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    (over,) = read(a_message(told | {"status": "Up"})).signals
    assert over.fingerprint == signal.fingerprint and over.state is SignalState.RESOLVED


def test_a_form_says_the_same() -> None:
    form = b"monitorID=779&monitorFriendlyName=Shop+%26+more&alertType=1&alertDetails="
    for headers in ({"content_type": "application/x-www-form-urlencoded"}, {}):
        (signal,) = read(a_message(form, **headers)).signals
        assert (signal.component, signal.fingerprint) == ("Shop & more", "779")


def test_an_expiring_certificate_is_a_warning_and_another_failure_than_being_down() -> None:
    (signal,) = read(a_message(an_alert(alertType=3, alertTypeFriendlyName="SSL expiry"))).signals
    assert signal.severity is Severity.WARNING and signal.fingerprint == "779:expiry"


def test_a_monitor_without_a_name_is_called_by_its_host() -> None:
    (signal,) = read(a_message(an_alert(monitorFriendlyName=""))).signals
    assert signal.component == "shop.example"


def test_other_types_tell_of_no_failure() -> None:
    understood = read(a_message(an_alert(alertType=9, alertTypeFriendlyName="Paused")))
    assert not understood.signals and "paused" in understood.remarks[0]


@pytest.mark.parametrize("body", [{}, [], None, {"monitorID": 1}, b"", b"&=&"])
def test_what_is_no_alert_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_uptimerobot_monitor_up.json": [Expected("Mail Server", "resolved", "unknown", None)],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("uptimerobot", REAL)
