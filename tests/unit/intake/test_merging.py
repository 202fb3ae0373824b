"""Given two incidents of one failure, or one incident of two, then this becomes of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.base import Channel, Origin, Severity
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.ids import IncidentId, new_id
from mejora_intake.merging import Moved, merge, split, worst
from mejora_intake.model import NotNow, SignalState, close, reopen, restore
from support.signals import NOON


def an_incident(minutes: float = 0, occurrences: int = 1, **given: object) -> Incident:
    began = NOON + timedelta(minutes=minutes)
    incident = Incident(
        incident_id=IncidentId(new_id()),
        version=1,
        state=IncidentState.REPORTED,
        source="probe",
        fingerprint="f",
        component="c",
        summary="s",
        severity=Severity.ERROR,
        origin=Origin.INTERNAL,
        started_at=began,
        reported_at=began + timedelta(minutes=1),
        failing_since=began,
        occurrences=occurrences,
    )
    return incident.model_copy(update=given)


def a_signal(minutes: float = 0, **given: object) -> Moved:
    at = NOON + timedelta(minutes=minutes)
    fields = {
        "source": "probe",
        "fingerprint": "g",
        "component": "d",
        "summary": "t",
        "state": SignalState.FIRING,
        "severity": Severity.WARNING,
        "origin": Origin.INTERNAL,
        "started_at": at,
        "ended_at": None,
        "received_at": at,
        "counts": True,
    }
    return Moved(**(fields | given))  # type: ignore[arg-type]


LATER = NOON + timedelta(hours=2)


def test_the_time_that_a_merged_incident_lost_ends_with_the_merge() -> None:
    got = merge(an_incident(), an_incident(30), at=LATER)
    assert (got.closed.state, got.closed.lost_seconds) == (IncidentState.CLOSED, 7200)
    assert got.closed.failing_since is None and got.closed.restored_at is None
    assert got.closed.merged_into == got.into.incident_id
    assert got.into.failing_since == got.into.started_at == NOON


def test_one_that_was_restored_before_lost_no_more_time() -> None:
    restored = restore(an_incident(), at=NOON + timedelta(minutes=5), channel=Channel.RESTORE)
    got = merge(restored, an_incident(30), at=LATER)
    assert (got.closed.lost_seconds, got.closed.restored_at) == (300, restored.restored_at)
    assert got.into.started_at == NOON
    assert got.into.failing_since == NOON + timedelta(minutes=30)


def test_one_that_is_restored_keeps_its_times_when_another_is_merged_into_it() -> None:
    into = restore(an_incident(30), at=NOON + timedelta(minutes=40), channel=Channel.RESTORE)
    got = merge(an_incident(), into, at=LATER)
    assert got.into.state is IncidentState.RESTORED
    assert (got.into.started_at, got.into.reported_at) == (into.started_at, into.reported_at)
    assert "occurrences" in got.changed and "started_at" not in got.changed


def test_who_noticed_first_is_who_noticed_the_earlier_one() -> None:
    by_customer = an_incident(origin=Origin.CUSTOMER, noticed_by_customer_at=NOON)
    got = merge(by_customer, an_incident(30), at=LATER)
    assert (got.into.origin, got.into.noticed_by_customer_at) == (Origin.CUSTOMER, NOON)
    got = merge(an_incident(30), by_customer, at=LATER)
    assert got.into.origin is Origin.CUSTOMER


def test_what_was_merged_is_neither_merged_nor_reopened() -> None:
    into = an_incident()
    merged = merge(an_incident(), into, at=LATER).closed
    closed = close(restore(an_incident(), at=LATER, channel=Channel.RESTORE), at=LATER)
    for one, other in ((into, into), (merged, into), (into, merged), (into, closed)):
        with pytest.raises(NotNow):
            merge(one, other, at=LATER)
    with pytest.raises(NotNow, match="merged into"):
        reopen(merged, at=LATER)
    assert merge(closed, into, at=LATER).closed.closed_at == closed.closed_at


@given(st.integers(1, 99), st.integers(1, 99), st.lists(st.sampled_from(Severity), max_size=9))
def test_what_is_merged_and_split_off_again_counts_as_before(
    own: int, moved: int, severities: list[Severity]
) -> None:
    merged = merge(an_incident(occurrences=moved), an_incident(occurrences=own), at=LATER)
    assert (merged.closed.occurrences, merged.into.occurrences) == (0, own + moved)
    signals = [a_signal(n) for n in range(moved)]
    again = split(merged.into, signals, new_id=IncidentId(new_id()))
    assert (again.old.occurrences, again.reported.occurrences) == (own, moved)
    assert worst(severities) == worst(reversed(severities)) == worst({*severities})


def test_an_incident_that_is_split_off_is_told_by_its_signals() -> None:
    signals = [
        a_signal(0, counts=False, component="suppressed"),
        a_signal(1, started_at=NOON - timedelta(minutes=9)),
        a_signal(2, component="other", severity=Severity.CRITICAL, origin=Origin.CUSTOMER),
        a_signal(3, state=SignalState.RESOLVED, counts=False),
    ]
    got = split(an_incident(occurrences=3), signals, new_id=IncidentId(new_id()))
    assert (got.reported.component, got.reported.severity) == ("d", Severity.CRITICAL)
    assert got.reported.started_at == NOON - timedelta(minutes=9)
    assert got.reported.noticed_by_customer_at == NOON + timedelta(minutes=2)
    assert got.reported.origin is Origin.INTERNAL
    assert got.restored is not None and got.restored.lost_seconds == 12 * 60
    still = split(an_incident(occurrences=3), signals[:3], new_id=IncidentId(new_id()))
    assert still.restored is None


def test_signals_that_count_move_and_stay() -> None:
    resolved = a_signal(state=SignalState.RESOLVED, counts=False)
    for occurrences, moved in ((1, [a_signal()]), (2, [a_signal()] * 2), (2, [resolved]), (2, [])):
        with pytest.raises(NotNow):
            split(an_incident(occurrences=occurrences), moved, new_id=IncidentId(new_id()))
