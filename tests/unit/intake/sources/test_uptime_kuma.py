"""What Uptime Kuma sends, by its wiki and its webhook provider."""

from datetime import UTC, datetime

import orjson
import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.uptime_kuma import read
from support.messages import Expectations, a_message, assert_understood


def a_beat(status: object = 0, **given: object) -> dict[str, object]:
    return {
        "heartbeat": {
            "monitorID": 29,
            "status": status,
            "time": "2026-03-01 11:58:00.250",
            "msg": "connect ECONNREFUSED",
        },
        "monitor": {
            "id": 29,
            "name": "Shop",
            "type": "http",
            "url": "https://shop.example",
            "tags": [{"name": "team", "value": "web"}],
        },
        "msg": "[Shop] [🔴 Down] connect ECONNREFUSED",
    } | given


def test_a_monitor_that_is_down_is_firing_from_its_heartbeat_on() -> None:
    (signal,) = read(a_message(a_beat())).signals
    assert (signal.component, signal.state) == ("Shop", SignalState.FIRING)
    assert signal.summary == "Shop: connect ECONNREFUSED"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 250000, tzinfo=UTC)
    assert signal.fingerprint == "29"
    assert signal.labels is not None and signal.labels["tags"] == "team:web"


def test_up_ends_the_same_failure() -> None:
    down, up = (read(a_message(a_beat(status))).signals[0] for status in (0, 1))
    assert up.state is SignalState.RESOLVED and up.fingerprint == down.fingerprint
    assert up.ended_at == datetime(2026, 3, 1, 11, 58, 0, 250000, tzinfo=UTC)


@pytest.mark.parametrize("status", [2, 3, None, "x"])
def test_pending_and_maintenance_are_no_failure(status: object) -> None:
    understood = read(a_message(a_beat(status)))
    assert not understood.signals and "Shop" in understood.remarks[0]


def test_a_test_is_remarked_on() -> None:
    understood = read(a_message({"heartbeat": None, "monitor": None, "msg": "Mejora Testing"}))
    assert not understood.signals and "test" in understood.remarks[0]


@pytest.mark.parametrize(
    "said",
    [
        "[Shop][https://shop.example] server certificate shop.example will be expired in 7 days",
        "[Shop] Domain name shop.example will expire in 7 days",
    ],
)
def test_a_certificate_or_domain_about_to_expire_is_a_warning(said: str) -> None:
    """github.com/louislam/uptime-kuma, wiki: notices of certificates and domains."""
    (signal,) = read(a_message({"heartbeat": None, "monitor": None, "msg": said})).signals
    assert (signal.component, signal.severity) == ("Shop", Severity.WARNING)


def test_form_data_holds_the_same_in_its_field_data() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n'
        + orjson.dumps(a_beat())
        + b"\r\n--x--\r\n"
    )
    (signal,) = read(a_message(body, content_type="multipart/form-data; boundary=x")).signals
    assert signal.component == "Shop"


@pytest.mark.parametrize("body", [{}, [], None, {"heartbeat": 1}])
def test_what_is_no_webhook_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL: Expectations = {}


def test_the_real_ones_are_understood() -> None:
    assert_understood("uptime_kuma", REAL)
