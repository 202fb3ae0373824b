"""What Rollbar sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.rollbar import read
from support.messages import Expected, a_message, assert_understood


def an_event(name: str = "new_item", **item: object) -> dict[str, object]:
    return {
        "event_name": name,
        "data": {
            "item": {
                "id": 272505123,
                "title": "NameError: foo",
                "environment": "production",
                "level": 40,
                "project_id": 90,
                "first_occurrence_timestamp": 1772366000,
                "last_activated_timestamp": 1772366280,
                "last_occurrence": {
                    "uuid": "d4c2",
                    "timestamp": 1772366290,
                    "server": {"host": "web1.example"},
                },
            }
            | item,
        },
    }


@pytest.mark.parametrize(
    "name",
    [
        "new_item",
        "occurrence",
        "exp_repeat_item",
        "item_velocity",
        "reactivated_item",
        "reopened_item",
    ],
)
def test_an_item_that_occurs_is_firing_since_it_was_activated(name: str) -> None:
    (signal,) = read(a_message(an_event(name))).signals
    assert (signal.component, signal.state) == ("web1.example", SignalState.FIRING)
    assert (signal.summary, signal.severity) == ("NameError: foo", Severity.ERROR)
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert signal.fingerprint == "272505123"


def test_a_resolved_item_ends_the_same_failure() -> None:
    body = an_event("resolved_item", last_occurrence=None, last_resolved_timestamp=1772366400)
    (signal,) = read(a_message(body)).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "272505123")
    assert signal.ended_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert signal.component == "90"


@pytest.mark.parametrize(
    ("level", "severity"),
    [(50, "critical"), ("critical", "critical"), ("warning", "warning"), (10, "info")],
)
def test_levels_are_words_or_numbers(level: object, severity: str) -> None:
    (signal,) = read(a_message(an_event(level=level))).signals
    assert signal.severity.value == severity


@pytest.mark.parametrize("name", ["deploy", "test"])
def test_a_deployment_and_a_test_are_remarked_on(name: str) -> None:
    understood = read(a_message({"event_name": name, "data": {"message": "x"}}))
    assert not understood.signals and name in understood.remarks[0]


@pytest.mark.parametrize("body", [{}, [], None, {"event_name": "new_item", "data": 1}])
def test_what_is_no_event_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_event_occurred_10_exp_n_items.json": [
        Expected("DESKTOP-6LMFI2P", "firing", "error", "2018-01-09T03:54:08Z")
    ],
    "zulip_every_occurrence.json": [
        Expected("DESKTOP-6LMFI2P", "firing", "error", "2018-01-10T00:59:18Z")
    ],
    "zulip_reactivated_item.json": [
        Expected("DESKTOP-6LMFI2P", "firing", "error", "2018-01-09T03:55:13Z")
    ],
    "zulip_test.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("rollbar", REAL)
