"""What Freshstatus sends, by its documentation of webhooks."""

from datetime import UTC, datetime

import pytest

from mejora_intake.model import SignalState
from mejora_intake.sources.freshstatus import read
from mejora_intake.sources.kind import NotUnderstood
from support.messages import Expected, a_message, assert_understood


def an_event(kind: str, **given: object) -> dict[str, object]:
    return {
        "id": "53482",
        "title": "Checkout is slow",
        "start_time": "2026-03-01 11:58:00.080999+00:00",
        "end_time": "None",
        "affected_services": "'Checkout','Search'",
        "event_data": {
            "event_id": 1364,
            "event_type": kind,
            "event_created_on": "2026-03-01 11:59:00.000000+00:00",
        },
    } | given


def test_an_incident_that_opens_is_firing_in_its_service() -> None:
    (signal,) = read(a_message(an_event("INCIDENT_OPEN"))).signals
    assert (signal.component, signal.summary) == ("Checkout", "Checkout is slow")
    assert signal.started_at == datetime(2026, 3, 1, 11, 58, 0, 80999, tzinfo=UTC)


def test_a_note_that_closes_an_incident_ends_it() -> None:
    note = {"id": "9", "incident_id": "53482", "incident_status": "Closed", "start_time": None}
    (signal,) = read(a_message(an_event("INCIDENT_NOTE_CREATE", **note))).signals
    assert (signal.state, signal.fingerprint) == (SignalState.RESOLVED, "53482")
    assert signal.ended_at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "kind", ["INCIDENT_NOTE_CREATE", "MAINTENANCE_PLANNED", "MAINTENANCE_NOTE_CREATE"]
)
def test_notes_and_maintenance_are_remarked_on(kind: str) -> None:
    understood = read(a_message(an_event(kind, incident_status="Open")))
    assert not understood.signals and kind in understood.remarks[0]


def test_the_sample_of_a_test_is_remarked_on() -> None:
    assert not read(a_message(an_event("INCIDENT_OPEN", id="1"))).signals


@pytest.mark.parametrize("body", [{}, [], None, {"event_data": "x"}])
def test_what_is_nothing_of_this_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL = {
    "zulip_freshstatus_event_not_supported.json": [],
    "zulip_freshstatus_incident_closed.json": [
        Expected("Degradation of Database Server", "resolved", "unknown", "2021-04-12T16:55:58Z")
    ],
    "zulip_freshstatus_scheduled_maintenance_closed.json": [],
    "zulip_freshstatus_scheduled_maintenance_planned.json": [],
    "zulip_freshstatus_scheduled_maintenance_planned_multiple_services_over_limit.json": [],
}


def test_the_real_ones_are_understood() -> None:
    assert_understood("freshstatus", REAL)
