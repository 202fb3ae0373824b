"""What updown.io sends, by its API documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.updown import read
from support.messages import Expected, a_message, assert_understood

CHECK = {"token": "ngg8", "url": "https://shop.example/", "alias": "Shop"}
BEGAN = "2026-03-01T11:58:00Z"


def an_event(kind: str, **given: object) -> dict[str, object]:
    return {"event": kind, "time": "2026-03-01T11:59:00Z", "check": CHECK} | given


def test_a_check_goes_down_stays_down_and_comes_up() -> None:
    downtime = {"error": "500", "started_at": BEGAN, "ended_at": None}
    ended = downtime | {"ended_at": "2026-03-01T11:59:00Z"}
    events = [
        an_event("check.down", downtime=downtime),
        an_event("check.still_down", downtime=downtime, time="2026-03-01T12:30:00Z"),
        an_event("check.up", downtime=ended),
    ]
    down, still, up = read(a_message(events)).signals
    assert (down.component, down.summary) == ("Shop", "Shop: down (500)")
    assert (still.state, up.state) == (SignalState.FIRING, SignalState.RESOLVED)
    assert down.fingerprint == still.fingerprint == up.fingerprint == "ngg8"
    assert down.started_at == up.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert up.ended_at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
    assert len({down.id, still.id, up.id}) == 3


def test_a_certificate_is_another_failure_than_being_down() -> None:
    events = [
        an_event("check.ssl_invalid", ssl={"error": "self-signed"}),
        an_event("check.ssl_valid"),
        an_event("check.ssl_expiration", ssl={"days_before_expiration": 7}),
        an_event("check.ssl_renewed"),
    ]
    invalid, valid, expiring, renewed = read(a_message(events)).signals
    assert invalid.fingerprint == valid.fingerprint == "ngg8:certificate"
    assert expiring.fingerprint == renewed.fingerprint == "ngg8:expiration"
    assert expiring.severity is Severity.WARNING
    assert valid.state is renewed.state is SignalState.RESOLVED


def test_up_for_the_first_time_and_unknown_events_are_remarked_on() -> None:
    first = an_event("check.up", downtime={"started_at": None, "ended_at": None})
    understood = read(a_message([first, an_event("check.new"), 3, an_event("check.down")]))
    assert len(understood.signals) == 1 and len(understood.remarks) == 3


@pytest.mark.parametrize("body", [{}, [], None, [1], [{"check": {}}], "x"])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_check_down_one_event.json": [
        Expected("updown.io", "firing", "unknown", "2016-02-07T13:11:43Z")
    ],
    "zulip_check_multiple_events.json": [
        Expected("updown.io", "firing", "unknown", "2016-02-07T13:11:43Z"),
        Expected("updown.io", "resolved", "unknown", "2016-02-07T13:11:43Z"),
    ],
    "zulip_check_up_again_one_event.json": [
        Expected("updown.io", "resolved", "unknown", "2016-02-07T13:11:43Z")
    ],
    "zulip_check_up_first_time.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("updown", REAL)
