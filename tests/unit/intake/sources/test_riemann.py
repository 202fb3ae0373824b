"""What Riemann's streams post, by its documentation."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.riemann import read
from support.messages import Expected, a_message, assert_understood


def an_event(**given: object) -> dict[str, object]:
    return {
        "host": "web01",
        "service": "payments",
        "state": "critical",
        "description": "Too slow",
        "metric": 4.2,
        "tags": ["shop", "eu"],
        "time": 1772366280,
    } | given


def test_an_event_is_understood() -> None:
    (signal,) = read(a_message(an_event())).signals
    assert (signal.component, signal.state) == ("payments", SignalState.FIRING)
    assert signal.severity is Severity.CRITICAL
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.labels is not None and signal.labels["tags"] == "shop, eu"


def test_ok_is_the_end_of_the_same_failure_and_expired_is_none() -> None:
    failing, fine, expired = read(
        a_message([an_event(), an_event(state="ok"), an_event(state="expired")])
    ).signals
    assert fine.state is SignalState.RESOLVED and fine.fingerprint == failing.fingerprint
    assert fine.ended_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert (expired.state, expired.severity) == (SignalState.FIRING, Severity.UNKNOWN)


def test_a_figure_without_a_state_tells_of_no_failure() -> None:
    understood = read(a_message(an_event(state=None)))
    assert understood.signals == [] and "state" in understood.remarks[0]


@pytest.mark.parametrize("body", [None, 1, [], {}, [1], {"state": "ok"}])
def test_what_is_no_event_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood, match="host"):
        read(a_message(body))


REAL = {"alerta_riemann_alert.json": [Expected("servicejane", "resolved", "unknown", None)]}


def test_the_real_ones_are_understood() -> None:
    assert_understood("riemann", REAL)
