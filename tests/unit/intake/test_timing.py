"""Given the times that a signal tells, then that is how they are read."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.ids import IncidentId, new_id
from mejora_intake.early import early_end, ends
from mejora_intake.model import Disposition, Recognition, Signal, recognise
from mejora_intake.timing import read_times
from support.signals import NOON, a_signal, resolved

ANY = st.datetimes(timezones=st.just(UTC))
HOUR = timedelta(hours=1)
NEVER_SET = (datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))
FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def meaning(signal: Signal, before: Recognition | None = None, at: datetime = NOON) -> Recognition:
    return recognise(
        before.incident if before else None,
        signal,
        received_at=at,
        flap_window_seconds=300.0,
        new_id=IncidentId(new_id()),
    )


@pytest.mark.parametrize("told", [*NEVER_SET, FAR])
def test_a_start_that_cannot_be_is_the_time_of_coming_and_that_is_told(told: datetime) -> None:
    got = meaning(a_signal(started_at=told))
    assert got.incident is not None
    assert got.incident.started_at == got.incident.failing_since == NOON
    assert f"{told.year:04}-" in got.rule and "it counts from when it came" in got.rule


@pytest.mark.parametrize("told", [*NEVER_SET, FAR])
def test_an_end_that_cannot_be_is_the_time_of_coming_and_that_is_told(told: datetime) -> None:
    got = meaning(resolved(ended_at=told), meaning(a_signal()), NOON + HOUR)
    assert got.incident is not None
    assert (got.incident.restored_at, got.incident.lost_seconds) == (NOON + HOUR, 3600)
    assert "its end" in got.rule


def test_a_clock_that_is_an_hour_off_is_believed_and_marked_where_that_can_be_known() -> None:
    ahead = meaning(a_signal(started_at=NOON + HOUR))
    assert ahead.rule.endswith("its start lies 3600 s after its coming")
    over = meaning(resolved(ended_at=NOON + 1.5 * HOUR), ahead, NOON + HOUR / 2)
    assert over.incident is not None and over.incident.lost_seconds == 1800
    behind = meaning(a_signal(started_at=NOON - HOUR))
    assert behind.incident is not None and behind.incident.started_at == NOON - HOUR


def test_an_end_before_the_start_is_marked() -> None:
    got = meaning(resolved(ended_at=NOON - HOUR), meaning(a_signal()))
    assert got.rule == "resolved; its end lies before its start"
    assert got.incident is not None and got.incident.lost_seconds == 0


@given(ANY, st.none() | ANY, ANY.filter(lambda at: 1995 < at.year < 9998))
def test_what_is_read_can_be(started_at: datetime, ended_at: datetime | None, at: datetime) -> None:
    times = read_times(started_at, ended_at, at)
    for read in (times.started_at, times.ended_at):
        assert read is None or (read.year >= 1990 and read <= at + timedelta(days=1))
    opened = meaning(a_signal(started_at=started_at), at=at)
    over = meaning(resolved(started_at=started_at, ended_at=ended_at), opened, at)
    assert over.disposition is Disposition.RESTORED and over.incident is not None
    assert 0 <= over.incident.lost_seconds <= (at - times.started_at).total_seconds() + 86_400


def test_an_end_is_kept_in_mind_when_nothing_was_failing() -> None:
    over = resolved(started_at=NOON)
    end = early_end(None, over, received_at=NOON + HOUR)
    assert end is not None and end.ended_at == over.ended_at
    assert early_end(None, a_signal(), received_at=NOON) is None
    restored = meaning(over, meaning(a_signal())).incident
    assert early_end(restored, over, received_at=NOON + HOUR) is None
    of_another = resolved(started_at=NOON + HOUR, ended_at=NOON + 2 * HOUR)
    assert early_end(restored, of_another, received_at=NOON + 2 * HOUR) is not None


def test_what_began_before_an_end_that_came_first_is_over() -> None:
    end = early_end(None, resolved(started_at=NOON), received_at=NOON + HOUR)
    assert end is not None
    for started_at, minutes, is_over in (
        (NOON, 600, True),  # the same start
        (NOON - HOUR, 1, True),  # began before, and came soon after
        (NOON - HOUR, 6, False),
        (NOON + HOUR, 1, False),
    ):
        signal = a_signal(started_at=started_at)
        received_at = NOON + HOUR + timedelta(minutes=minutes)
        got = ends(end, signal, received_at=received_at, flap_window_seconds=300.0)
        assert got is is_over
