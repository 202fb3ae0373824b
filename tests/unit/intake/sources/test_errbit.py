"""What Errbit sends, by its webhook service."""

from datetime import UTC, datetime

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.errbit import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def a_problem(**given: object) -> dict[str, object]:
    return {
        "problem": {
            "_id": "5e1f",
            "app_name": "Shop",
            "error_class": "IllegalStateException",
            "message": "no",
            "environment": "production",
            "first_notice_at": "2026-03-01T06:58:00.000-05:00",
            "last_notice_at": "2026-03-01T06:59:00.000-05:00",
            "notices_count": 5,
            "resolved": False,
        }
        | given
    }


def test_a_problem_is_firing_since_its_first_notice() -> None:
    (signal,) = read(a_message(a_problem())).signals
    assert (signal.component, signal.state) == ("Shop", SignalState.FIRING)
    assert signal.summary == "IllegalStateException: no"
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


def test_a_resolved_problem_ends_the_same_failure() -> None:
    body = a_problem(resolved=True, resolved_at="2026-03-01T12:00:00Z")
    (signal,) = read(a_message(body)).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "5e1f")
    assert signal.ended_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("body", [{}, [], None, {"problem": []}])
def test_what_is_no_problem_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_error_message.json": [
        Expected("AlohaIntegrationTest", "firing", "unknown", "2020-01-16T04:40:30Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("errbit", REAL)
