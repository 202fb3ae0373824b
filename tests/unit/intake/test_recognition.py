"""Given what is known of a failure, when a signal comes, then that is what it means."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.base import Channel, Severity
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.ids import IncidentId, new_id
from mejora_intake.model import (
    Disposition,
    NotNow,
    Recognition,
    Signal,
    SignalState,
    acknowledge,
    changed_at,
    close,
    recognise,
    reopen,
    restore,
)
from support.signals import NOON, a_signal, resolved

FLAP_WINDOW_SECONDS = 300.0


def meaning(current: Incident | None, signal: Signal, minutes: float = 0) -> Recognition:
    return recognise(
        current,
        signal,
        received_at=NOON + timedelta(minutes=minutes),
        flap_window_seconds=FLAP_WINDOW_SECONDS,
        new_id=IncidentId(new_id()),
    )


def an_incident() -> Incident:
    incident = meaning(None, a_signal()).incident
    assert incident is not None
    return incident


def restored(minutes: float = 10, channel: Channel = Channel.RESTORE) -> Incident:
    return restore(an_incident(), at=NOON + timedelta(minutes=minutes), channel=channel)


def test_the_first_signal_of_a_failure_opens_an_incident() -> None:
    got = meaning(None, a_signal(), minutes=2)
    assert got.disposition is Disposition.OPENED
    assert got.incident is not None
    assert got.incident.started_at == NOON
    assert got.incident.reported_at == NOON + timedelta(minutes=2)
    assert got.incident.occurrences == 1


def test_a_signal_of_an_open_incident_is_one_more_occurrence() -> None:
    got = meaning(an_incident(), a_signal(id="2"))
    assert got.disposition is Disposition.REPEATED
    assert got.incident is not None and got.incident.occurrences == 2
    assert got.changed == ()


def test_counts_are_told_at_thresholds_only() -> None:
    incident, told = an_incident(), []
    for n in range(2, 1500):
        got = meaning(incident, a_signal(id=str(n)))
        assert got.incident is not None
        incident = got.incident
        if got.changed:
            told.append(incident.occurrences)
    assert told == [10, 100, 1000]
    assert incident.version == 4


def test_a_worse_severity_is_told_and_a_milder_or_unknown_one_is_not() -> None:
    worse = meaning(an_incident(), a_signal(id="2", severity=Severity.CRITICAL))
    assert worse.changed == ("severity",)
    for severity in (Severity.WARNING, Severity.UNKNOWN):
        got = meaning(an_incident(), a_signal(id="2", severity=severity))
        assert got.changed == () and got.incident is not None
        assert got.incident.severity is Severity.ERROR


def test_a_resolved_signal_restores_and_the_lost_time_is_counted() -> None:
    got = meaning(an_incident(), resolved(), minutes=11)
    assert got.disposition is Disposition.RESTORED
    assert got.incident is not None
    assert got.incident.state is IncidentState.RESTORED
    assert got.incident.lost_seconds == 600


def test_failing_again_inside_the_flap_window_reopens_and_counts_a_flap() -> None:
    at = NOON + timedelta(minutes=14)
    got = meaning(restored(), a_signal(id="3", started_at=at), minutes=14)
    assert got.disposition is Disposition.REOPENED
    assert got.incident is not None
    assert (got.incident.flaps, got.incident.failing_since) == (1, at)
    again = restore(got.incident, at=at + timedelta(minutes=5), channel=Channel.RESTORE)
    assert again.lost_seconds == 600 + 300


def test_failing_again_later_opens_a_new_incident_that_names_its_predecessor() -> None:
    before = restored()
    got = meaning(before, a_signal(id="3", started_at=NOON + timedelta(hours=1)), minutes=60)
    assert got.disposition is Disposition.OPENED
    assert got.incident is not None
    assert got.incident.predecessor_id == before.incident_id
    assert got.incident.incident_id != before.incident_id


def test_a_closed_incident_never_absorbs_a_signal() -> None:
    closed = close(restored(), at=NOON + timedelta(minutes=11))
    got = meaning(closed, a_signal(id="3", started_at=NOON + timedelta(minutes=12)), minutes=12)
    assert got.disposition is Disposition.OPENED


def test_a_failure_that_a_workaround_carries_may_go_on_being_reported() -> None:
    carried = restored(channel=Channel.ALTERNATE)
    got = meaning(carried, a_signal(id="3"), minutes=240)
    assert got.disposition is Disposition.REPEATED
    assert got.incident is not None and got.incident.state is IncidentState.RESTORED


def test_a_resolved_signal_with_nothing_failing_changes_nothing() -> None:
    assert meaning(None, resolved()).disposition is Disposition.SUPPRESSED
    assert meaning(restored(), resolved(id="3")).disposition is Disposition.SUPPRESSED


def test_an_end_before_the_start_loses_no_time() -> None:
    got = meaning(an_incident(), resolved(ended_at=NOON - timedelta(hours=1)), minutes=5)
    assert got.incident is not None
    assert got.incident.lost_seconds == 0
    assert got.incident.restored_at == NOON


def test_the_life_of_an_incident_allows_what_makes_sense() -> None:
    incident = an_incident()
    with pytest.raises(NotNow):
        close(incident, at=NOON)
    with pytest.raises(NotNow):
        reopen(incident, at=NOON)
    seen = acknowledge(incident, at=NOON, by="key:duty")
    with pytest.raises(NotNow):
        acknowledge(seen, at=NOON, by="key:duty")
    back = restore(seen, at=NOON + timedelta(minutes=1), channel=Channel.ALTERNATE)
    with pytest.raises(NotNow):
        restore(back, at=NOON, channel=Channel.RESTORE)
    again = reopen(back, at=NOON + timedelta(minutes=2))
    assert again.state is IncidentState.ACKNOWLEDGED
    assert again.version == incident.version + 3


def test_what_people_say_late_or_wrong_counts_from_when_it_can_have_happened() -> None:
    incident, before = an_incident(), NOON - timedelta(hours=2)
    seen = acknowledge(incident, at=before, by="key:duty")
    assert changed_at(incident, seen) == incident.reported_at
    back = restore(seen, at=before, channel=Channel.RESTORE)
    assert changed_at(seen, back) == NOON == back.restored_at
    assert changed_at(back, close(back, at=before)) == NOON
    assert changed_at(back, reopen(back, at=before)) == NOON
    later = NOON + timedelta(hours=1)
    assert changed_at(back, reopen(back, at=later)) == later


moments = st.integers(-10_000, 10_000).map(lambda m: NOON + timedelta(minutes=m))
signals = st.builds(
    a_signal,
    id=st.uuids().map(str),
    state=st.sampled_from(SignalState),
    severity=st.sampled_from(Severity),
    started_at=moments,
    ended_at=st.none() | moments,
)


@given(st.lists(st.tuples(signals, moments), max_size=30))
def test_whatever_comes_counts_add_up_and_no_time_runs_backwards(
    coming: list[tuple[Signal, datetime]],
) -> None:
    current: Incident | None = None
    counted = 0
    incidents: dict[IncidentId, Incident] = {}
    for signal, received_at in sorted(coming, key=lambda pair: pair[1]):
        got = recognise(
            current,
            signal,
            received_at=received_at,
            flap_window_seconds=FLAP_WINDOW_SECONDS,
            new_id=IncidentId(new_id()),
        )
        if got.disposition in (Disposition.OPENED, Disposition.REPEATED, Disposition.REOPENED):
            counted += 1
        if got.incident is not None:
            before = incidents.get(got.incident.incident_id)
            assert before is None or got.incident.version >= before.version
            current = incidents[got.incident.incident_id] = got.incident
            assert current.lost_seconds >= 0
            if current.restored_at is not None:
                assert current.restored_at >= current.started_at
    assert sum(incident.occurrences for incident in incidents.values()) == counted
