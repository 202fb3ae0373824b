"""The rules by which the times that a signal tells are read: clocks are wrong, or were never set.

A signal is kept as it came. Its incident is computed from what can be believed; where that is
something else, the rule that the answer and the incident's timeline show says so.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_CLOCKS_ARE_SET_SINCE = datetime(1990, 1, 1, tzinfo=UTC)
"""Earlier moments are what a clock shows that was never set: 1970, or the year 1."""

_CLOCKS_GO_UP_TO = datetime(9000, 1, 1, tzinfo=UTC)
"""Later moments are what is written for never."""

_MOST_AHEAD = timedelta(days=1)
"""How far a clock may run ahead: more than any zone that is taken for another."""

_WORTH_TELLING = timedelta(minutes=1)
"""How far ahead a clock runs before that is remarked."""


@dataclass(frozen=True, slots=True)
class Times:
    """When something began and ended, as far as that can be believed."""

    started_at: datetime
    ended_at: datetime | None
    remarks: tuple[str, ...] = ()
    """What was told and is read otherwise, or is odd."""


def is_of_a_clock(moment: datetime) -> bool:
    """Tell whether a moment is one at which something came, whenever that was or will be."""
    return _CLOCKS_ARE_SET_SINCE <= moment < _CLOCKS_GO_UP_TO


def can_be(moment: datetime, received_at: datetime) -> bool:
    """Tell whether something that came at a time can have happened at a moment."""
    return _CLOCKS_ARE_SET_SINCE <= moment <= received_at + _MOST_AHEAD


def read_times(started_at: datetime, ended_at: datetime | None, received_at: datetime) -> Times:
    """Read the times that a signal tells; what cannot be is when it came.

    A clock that runs an hour ahead or behind is believed: its differences are right.
    """
    remarks = []
    for named, moment in (("start", started_at), ("end", ended_at)):
        if moment is None:
            continue
        if not can_be(moment, received_at):
            remarks.append(f"its {named}, {_told(moment)}, cannot be: it counts from when it came")
        elif moment - received_at > _WORTH_TELLING:
            seconds = round((moment - received_at).total_seconds())
            remarks.append(f"its {named} lies {seconds} s after its coming")
    if ended_at is not None and ended_at < started_at and not remarks:
        remarks.append("its end lies before its start")
    return Times(
        started_at if can_be(started_at, received_at) else received_at,
        ended_at if ended_at is None or can_be(ended_at, received_at) else received_at,
        tuple(remarks),
    )


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
