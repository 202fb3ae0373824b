"""Ids sort by the time at which they were made."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from mejora_events.ids import new_id

MOMENTS = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 (Hypothesis adds the zone)
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=9, minutes=30))]),
)


def milliseconds(made: UUID) -> int:
    return made.int >> 80


@given(MOMENTS)
def test_an_id_is_a_uuid_of_version_7_that_tells_its_time(at: datetime) -> None:
    made = new_id(at)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert abs(milliseconds(made) - at.timestamp() * 1000) <= 1


@given(MOMENTS, st.timedeltas(timedelta(milliseconds=2), timedelta(days=9)))
def test_what_happened_later_has_the_greater_id(at: datetime, later: timedelta) -> None:
    assert new_id(at) < new_id(at + later)


def test_ids_made_one_after_the_other_rise_and_differ() -> None:
    made = [new_id() for _ in range(2000)]
    assert made == sorted(set(made))


def test_a_clock_before_1970_makes_ids_that_sort_first() -> None:
    assert new_id(datetime(1969, 7, 20, tzinfo=UTC)) < new_id(datetime(1970, 1, 1, 1, tzinfo=UTC))
