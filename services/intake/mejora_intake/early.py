"""The rules by which an end that came before what it ends is kept in mind: messages overtake."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mejora_events.contracts.incidents import Incident
from mejora_intake.model import Signal, SignalState
from mejora_intake.timing import read_times

OVER_BEFORE = "its end came before it"
"""The rule by which an incident is restored as soon as it is opened."""


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """An end of a failure of which nothing was failing when it came."""

    started_at: datetime
    ended_at: datetime
    received_at: datetime


def early_end(
    current: Incident | None, signal: Signal, *, received_at: datetime
) -> EarlyEnd | None:
    """Give what is to be kept in mind of a signal that found nothing failing, if it is.

    That is an end of something else than what its failure's newest incident was.
    """
    if signal.state is not SignalState.RESOLVED:
        return None
    times = read_times(signal.started_at, signal.ended_at, received_at)
    if current is not None and times.started_at <= (current.restored_at or current.reported_at):
        return None
    return EarlyEnd(times.started_at, times.ended_at or received_at, received_at)


def ends(
    end: EarlyEnd, signal: Signal, *, received_at: datetime, flap_window_seconds: float
) -> bool:
    """Tell whether a failure was over before it was told of, since its end came first.

    Either both name the same start, or it began before that end and came soon after it.
    """
    started_at = read_times(signal.started_at, None, received_at).started_at
    if started_at == end.started_at:
        return True
    soon = received_at - end.received_at <= timedelta(seconds=flap_window_seconds)
    return soon and started_at <= end.ended_at
