"""The rules by which two incidents become one, and one becomes two."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mejora_events.contracts.base import Channel, Origin, Severity
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.ids import IncidentId
from mejora_intake.elsewhere import elsewhere_with
from mejora_intake.model import FAILING, NotNow, SignalState, is_worse, restore
from mejora_intake.timing import read_times


@dataclass(frozen=True, slots=True)
class Merged:
    """Two incidents that told of one failure."""

    closed: Incident
    """The one that was merged; it points to the other."""
    into: Incident
    changed: tuple[str, ...]
    """Fields of the other that changed."""


def merge(merged: Incident, into: Incident, *, at: datetime) -> Merged:
    """Say that two incidents tell of one failure, and which of them goes on.

    The time that the merged one lost ends now, unless it was restored before; its occurrences count
    for the other. Whether the other is
    failing does not change; while it is, it began when the first of the two began. Raises NotNow
    when one of them was merged before, when the other is closed, or when they are the same.
    """
    if merged.incident_id == into.incident_id:
        raise NotNow("an incident cannot be merged into itself")
    if merged.merged_into is not None:
        raise NotNow(f"the incident was merged into {merged.merged_into} before")
    if into.merged_into is not None:
        raise NotNow(f"{into.incident_id} was itself merged into {into.merged_into}")
    if into.state is IncidentState.CLOSED:
        raise NotNow(f"{into.incident_id} is closed; reopen it first")
    grown = into.model_copy(
        update={
            "occurrences": into.occurrences + merged.occurrences,
            "severity": worst((into.severity, merged.severity)),
            "elsewhere": elsewhere_with(into, merged),
            "noticed_by_customer_at": _first(
                into.noticed_by_customer_at, merged.noticed_by_customer_at
            ),
        }
    )
    if into.state in FAILING:
        grown = _began_with(grown, merged)
    changed = tuple(
        name for name in Incident.model_fields if getattr(grown, name) != getattr(into, name)
    )
    return Merged(
        _closed_by_merging(merged, into.incident_id, at),
        grown.model_copy(update={"version": into.version + 1}),
        changed,
    )


def _began_with(into: Incident, merged: Incident) -> Incident:
    noticed_before = merged.reported_at < into.reported_at
    return into.model_copy(
        update={
            "started_at": min(into.started_at, merged.started_at),
            "failing_since": _first(into.failing_since, merged.failing_since),
            "reported_at": min(into.reported_at, merged.reported_at),
            "origin": merged.origin if noticed_before else into.origin,
        }
    )


def _closed_by_merging(merged: Incident, into: IncidentId, at: datetime) -> Incident:
    lost_seconds = merged.lost_seconds
    if merged.state in FAILING:
        since = merged.failing_since or merged.started_at
        lost_seconds += max(0.0, (at - since).total_seconds())
    return merged.model_copy(
        update={
            "version": merged.version + 1,
            "state": IncidentState.CLOSED,
            "closed_at": merged.closed_at or max(at, merged.restored_at or merged.reported_at),
            "failing_since": None,
            "lost_seconds": lost_seconds,
            "occurrences": 0,
            "merged_into": into,
        }
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """A signal that goes from one incident to another, as far as the rules look at it."""

    source: str
    fingerprint: str
    component: str
    summary: str
    state: SignalState
    severity: Severity
    origin: Origin
    started_at: datetime
    ended_at: datetime | None
    received_at: datetime
    counts: bool
    """Whether it is an occurrence of its incident."""


@dataclass(frozen=True, slots=True)
class Split:
    """An incident that told of two failures."""

    old: Incident
    reported: Incident
    """The new one, as it was reported by the signals that moved."""
    restored: Incident | None
    """The new one once more, when the newest of these signals says that it is over."""


def split(old: Incident, moved: Sequence[Moved], *, new_id: IncidentId) -> Split:
    """Make a new incident of some signals of an old one; they come in the order of their coming.

    The new one is named by the first that says that something fails; its state is what the newest
    says. Raises NotNow unless signals that count move, and others stay behind.
    """
    counted = [signal for signal in moved if signal.counts]
    if not counted:
        raise NotNow("none of these signals counts as an occurrence")
    if old.occurrences <= len(counted):
        raise NotNow("at least one signal that counts as an occurrence must stay behind")
    first, newest = counted[0], _newest(moved)
    started_at = min(
        read_times(signal.started_at, None, signal.received_at).started_at for signal in counted
    )
    customers = [signal.received_at for signal in counted if signal.origin is Origin.CUSTOMER]
    reported = Incident(
        incident_id=new_id,
        version=1,
        state=IncidentState.REPORTED,
        source=first.source,
        fingerprint=first.fingerprint,
        component=first.component,
        summary=first.summary,
        severity=worst(signal.severity for signal in counted),
        origin=first.origin,
        started_at=started_at,
        reported_at=first.received_at,
        failing_since=started_at,
        occurrences=len(counted),
        split_from=old.incident_id,
        noticed_by_customer_at=min(customers, default=None),
    )
    restored = None
    if newest.state is SignalState.RESOLVED:
        read = read_times(newest.started_at, newest.ended_at, newest.received_at)
        over_at = read.ended_at or newest.received_at
        restored = restore(reported, at=over_at, channel=Channel.RESTORE)
    shrunk = {"version": old.version + 1, "occurrences": old.occurrences - len(counted)}
    return Split(old.model_copy(update=shrunk), reported, restored)


def _newest(moved: Sequence[Moved]) -> Moved:
    """Give the newest signal that says whether it fails; what was kept and not counted does not."""
    return next(s for s in reversed(moved) if s.counts or s.state is SignalState.RESOLVED)


def worst(severities: Iterable[Severity]) -> Severity:
    """Give the worst severity; an unknown one only when none is known."""
    found = Severity.UNKNOWN
    for severity in severities:
        if is_worse(severity, found):
            found = severity
    return found


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)
