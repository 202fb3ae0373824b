"""What Statuspage sends, by its documentation of webhook notifications."""

from datetime import UTC, datetime

import pytest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.statuspage import read
from support.messages import Expected, a_message, assert_understood


def an_incident(**given: object) -> dict[str, object]:
    return {
        "page": {"id": "p1"},
        "incident": {
            "id": "z3lc",
            "name": "Database is slow",
            "status": "investigating",
            "impact": "major",
            "created_at": "2026-03-01T11:58:00Z",
            "updated_at": "2026-03-01T11:59:00Z",
            "components": [{"name": "Portal"}, {"name": "API"}],
            "incident_updates": [{"id": "u1", "body": "We look into it."}],
        }
        | given,
    }


def a_component(new_status: str) -> dict[str, object]:
    return {
        "page": {"id": "p1"},
        "component": {"id": "c1", "name": "Portal", "status": new_status},
        "component_update": {
            "id": "n1",
            "new_status": new_status,
            "created_at": "2026-03-01T11:58:00Z",
        },
    }


@pytest.mark.parametrize("status", ["investigating", "identified", "monitoring"])
def test_an_incident_is_firing_until_it_is_resolved(status: str) -> None:
    (signal,) = read(a_message(an_incident(status=status))).signals
    assert (signal.component, signal.state) == ("Portal", SignalState.FIRING)
    assert (signal.summary, signal.description) == ("Database is slow", "We look into it.")
    assert signal.severity is Severity.ERROR
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)


@pytest.mark.parametrize("status", ["resolved", "postmortem"])
def test_a_resolved_incident_ends(status: str) -> None:
    body = an_incident(status=status, resolved_at="2026-03-01T12:00:00Z")
    (signal,) = read(a_message(body)).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "incident:z3lc")
    assert signal.ended_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ("major_outage", Severity.CRITICAL),
        ("partial_outage", Severity.ERROR),
        ("degraded_performance", Severity.WARNING),
    ],
)
def test_a_components_status_says_how_bad_it_is(status: str, severity: Severity) -> None:
    (signal,) = read(a_message(a_component(status))).signals
    assert (signal.component, signal.state) == ("Portal", SignalState.FIRING)
    assert signal.severity is severity


def test_an_operational_component_has_stopped_failing() -> None:
    (signal,) = read(a_message(a_component("operational"))).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "component:c1")


def test_maintenance_is_remarked_on() -> None:
    assert not read(a_message(a_component("under_maintenance"))).signals
    assert not read(a_message(an_incident(status="scheduled"))).signals
    assert not read(a_message(an_incident(impact="maintenance"))).signals


@pytest.mark.parametrize("body", [{}, [], None, {"incident": 1}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_component_status_update.json": [],
    "zulip_incident_update.json": [
        Expected("Management Portal (example)", "resolved", "info", "2017-12-26T07:32:00Z")
    ],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("statuspage", REAL)
