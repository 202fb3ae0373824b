"""The rules of intake: whether a signal is a new failure, and the life of an incident."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, structs

from mejora_events.contracts.base import Channel, Link, Origin, Severity
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.ids import IncidentId
from mejora_intake.elsewhere import is_elsewhere, place_in, with_place
from mejora_intake.timing import read_times

UNNAMED = "unknown"
"""The component of what says nothing of where it is."""


class SignalState(StrEnum):
    """What a signal says."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Signal(Struct, frozen=True):
    """One message from a monitor or a person: something fails, or has stopped failing."""

    source: str
    id: str
    """Names the message: the same source and id again is a repetition of the same message."""
    fingerprint: str
    """What makes two signals of a source the same failure."""
    component: str
    summary: str
    state: SignalState
    severity: Severity
    started_at: datetime
    ended_at: datetime | None
    description: str = ""
    origin: Origin = Origin.INTERNAL
    labels: Mapping[str, str] | None = None
    links: tuple[Link, ...] = ()
    body: bytes = b"null"
    """What arrived, as it came: JSON."""
    received_at: datetime | None = None
    """When it came, for history that is imported; now, when it is empty."""
    traceparent: str | None = None
    """The trace of the request that brought it."""


class Disposition(StrEnum):
    """What became of a signal."""

    OPENED = "opened"
    """It opened an incident."""
    REPEATED = "repeated"
    """It is one more occurrence of an incident."""
    REOPENED = "reopened"
    """It failed again inside the flap window."""
    RESTORED = "restored"
    """It says that the service level is back."""
    SUPPRESSED = "suppressed"
    """It is kept and changes nothing."""
    REJECTED = "rejected"
    """It could not be kept."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a signal means for the incident of its fingerprint, and the rule that said so."""

    disposition: Disposition
    rule: str
    incident: Incident | None
    """The incident as it is now; none when nothing was changed."""
    changed: tuple[str, ...] = ()
    """Fields that changed without a change of state, when that is worth telling."""


FLAPPED = "restored inside the flap window"
"""The rule by which a signal reopens an incident."""

FAILING = (IncidentState.REPORTED, IncidentState.ACKNOWLEDGED)
"""The states in which the service level is not back."""


class Standing(Protocol):
    """What is known of an incident without reading all of it."""

    @property
    def state(self) -> IncidentState: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def channel(self) -> Channel | None: ...

    @property
    def restored_at(self) -> datetime | None: ...


_WORSE_FIRST = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO)


def is_worse(new: Severity, old: Severity) -> bool:
    """Tell whether a known severity is worse than another; an unknown one is never worse."""
    if new is old or new not in _WORSE_FIRST:
        return False
    return old not in _WORSE_FIRST or _WORSE_FIRST.index(new) < _WORSE_FIRST.index(old)


def passes_threshold(before: int, now: int) -> bool:
    """Tell whether a count has grown so far that it is worth an event: 10, 100, 1,000, …"""
    return now >= 10 and len(str(now)) > len(str(before))


def repetition(current: Standing, signal: Signal) -> str | None:
    """Tell by which rule a signal is one more occurrence and nothing else, if it is."""
    if signal.state is not SignalState.FIRING or is_worse(signal.severity, current.severity):
        return None
    return _is_repeated(current, signal)


def _is_repeated(current: Standing, signal: Signal) -> str | None:
    if current.state is IncidentState.CLOSED:
        return None
    if current.state is not IncidentState.RESTORED or current.restored_at is None:
        return "its incident is open"
    if signal.started_at <= current.restored_at and current.channel is Channel.ALTERNATE:
        return "an alternate channel carries the service meanwhile"
    return None


def recognise(
    current: Incident | None,
    signal: Signal,
    *,
    received_at: datetime,
    flap_window_seconds: float,
    new_id: IncidentId,
) -> Recognition:
    """Tell what a signal is to the newest incident of its fingerprint.

    Open incident → one more occurrence. Restored less than the flap window ago → reopened.
    Otherwise a new incident that names its predecessor. A resolved signal restores. Times that
    cannot be are read as the time of coming, and the rule says so.
    """
    times = read_times(signal.started_at, signal.ended_at, received_at)
    if times.remarks:
        signal = structs.replace(signal, started_at=times.started_at, ended_at=times.ended_at)
    recognition = _decide(current, signal, received_at, flap_window_seconds, new_id)
    if not times.remarks or recognition.disposition is Disposition.REPEATED:
        return recognition
    return replace(recognition, rule="; ".join((recognition.rule, *times.remarks)))


def _decide(
    current: Incident | None,
    signal: Signal,
    received_at: datetime,
    flap_window_seconds: float,
    new_id: IncidentId,
) -> Recognition:
    if signal.state is SignalState.RESOLVED:
        return _recognise_resolved(current, signal, received_at)
    if current is None:
        return _open(signal, received_at, new_id, None, "no incident of this fingerprint")
    if current.state is IncidentState.CLOSED:
        return _open(signal, received_at, new_id, current, "its last incident is closed")
    if (rule := _is_repeated(current, signal)) or current.restored_at is None:
        return repeat(current, signal, rule or "its incident is open")
    began_before = signal.started_at <= current.restored_at
    # A clock that runs ahead restores in the future; failing again never lies before that.
    failing_again_at = max(received_at, current.restored_at) if began_before else signal.started_at
    if failing_again_at - current.restored_at < timedelta(seconds=flap_window_seconds):
        return _reopen_by_signal(current, signal, failing_again_at)
    return _open(signal, received_at, new_id, current, "restored longer ago than the flap window")


def _open(
    signal: Signal,
    received_at: datetime,
    new_id: IncidentId,
    predecessor: Incident | None,
    rule: str,
) -> Recognition:
    over_at = predecessor.restored_at if predecessor else None
    incident = Incident(
        incident_id=new_id,
        version=1,
        state=IncidentState.REPORTED,
        source=signal.source,
        fingerprint=signal.fingerprint,
        component=signal.component,
        summary=signal.summary,
        description=signal.description,
        severity=signal.severity,
        origin=signal.origin,
        labels=dict(signal.labels or {}),
        links=signal.links,
        started_at=signal.started_at,
        reported_at=received_at,
        # What was lost until its predecessor was restored is counted there.
        failing_since=max(signal.started_at, over_at)
        if predecessor and over_at and predecessor.started_at <= signal.started_at
        else signal.started_at,
        predecessor_id=predecessor.incident_id if predecessor else None,
        noticed_by_customer_at=received_at if signal.origin is Origin.CUSTOMER else None,
    )
    return Recognition(Disposition.OPENED, rule, incident)


def repeat(current: Incident, signal: Signal, rule: str) -> Recognition:
    """Count a signal for an incident; a worse severity, and where else it is, are taken over."""
    occurrences = current.occurrences + 1
    changed = []
    if passes_threshold(current.occurrences, occurrences):
        changed.append("occurrences")
    severity = current.severity
    if is_worse(signal.severity, severity):
        severity = signal.severity
        changed.append("severity")
    elsewhere = current.elsewhere
    if is_elsewhere(current, place := place_in(signal.labels)):
        elsewhere = with_place(current, place)
        changed.append("elsewhere")
        rule = f"{rule}; it fails elsewhere too"
    incident = current.model_copy(
        update={
            "occurrences": occurrences,
            "severity": severity,
            "elsewhere": elsewhere,
            "version": current.version + bool(changed),
        }
    )
    return Recognition(Disposition.REPEATED, rule, incident, tuple(changed))


def _reopen_by_signal(current: Incident, signal: Signal, at: datetime) -> Recognition:
    incident = current.model_copy(
        update={
            "version": current.version + 1,
            "state": _state_when_failing(current),
            "failing_since": at,
            "restored_at": None,
            "channel": None,
            "occurrences": current.occurrences + 1,
            "flaps": current.flaps + 1,
            "severity": signal.severity
            if is_worse(signal.severity, current.severity)
            else current.severity,
        }
    )
    return Recognition(Disposition.REOPENED, FLAPPED, incident)


def _recognise_resolved(
    current: Incident | None, signal: Signal, received_at: datetime
) -> Recognition:
    if current is None:
        return Recognition(Disposition.SUPPRESSED, "nothing of this fingerprint is failing", None)
    if current.state in (IncidentState.RESTORED, IncidentState.CLOSED):
        return Recognition(Disposition.SUPPRESSED, "its incident is restored already", None)
    if signal.origin is Origin.CUSTOMER and current.origin is Origin.INTERNAL:
        return Recognition(Disposition.SUPPRESSED, "a monitor found it and tells its end", None)
    if signal.started_at > (current.failing_since or current.started_at) and (
        signal.ended_at is not None and signal.ended_at < signal.started_at
    ):
        return Recognition(
            Disposition.RESTORED,
            "resolved; it counts from when it came",
            restore(current, at=received_at, channel=Channel.RESTORE),
        )
    at = signal.ended_at or received_at
    return Recognition(
        Disposition.RESTORED, "resolved", restore(current, at=at, channel=Channel.RESTORE)
    )


def _state_when_failing(incident: Incident) -> IncidentState:
    return IncidentState.ACKNOWLEDGED if incident.acknowledged_at else IncidentState.REPORTED


class NotNow(Exception):
    """The incident's state does not allow this; the message says why."""


def acknowledge(incident: Incident, *, at: datetime, by: str) -> Incident:
    """Say that somebody is on it. Raises NotNow unless it is reported and nothing more."""
    if incident.state is not IncidentState.REPORTED:
        raise NotNow(f"the incident is {incident.state.value}")
    return incident.model_copy(
        update={
            "version": incident.version + 1,
            "state": IncidentState.ACKNOWLEDGED,
            "acknowledged_at": max(at, incident.reported_at),
            "acknowledged_by": by,
        }
    )


def restore(incident: Incident, *, at: datetime, channel: Channel) -> Incident:
    """Say that the service level is back; an end before the start counts as no time lost.

    Raises NotNow unless the incident is failing.
    """
    if incident.state not in FAILING:
        raise NotNow(f"the incident is {incident.state.value}")
    since = incident.failing_since or incident.started_at
    at = max(at, since)
    return incident.model_copy(
        update={
            "version": incident.version + 1,
            "state": IncidentState.RESTORED,
            "restored_at": at,
            "channel": channel,
            "failing_since": None,
            "lost_seconds": incident.lost_seconds + (at - since).total_seconds(),
        }
    )


def reopen(incident: Incident, *, at: datetime, went_on_as: IncidentId | None = None) -> Incident:
    """Say that it is failing after all.

    Raises NotNow unless it is restored or closed, and when its failure went on as another incident
    since: a failure has one open incident at most.
    """
    if went_on_as is not None and incident.merged_into is None:
        raise NotNow(f"its failure went on as {went_on_as}, which is the one to look at")
    if incident.merged_into is not None:
        raise NotNow(f"the incident was merged into {incident.merged_into}, which is what goes on")
    if incident.state not in (IncidentState.RESTORED, IncidentState.CLOSED):
        raise NotNow(f"the incident is {incident.state.value}")
    return incident.model_copy(
        update={
            "version": incident.version + 1,
            "state": _state_when_failing(incident),
            "failing_since": max(at, incident.restored_at or at),
            "restored_at": None,
            "channel": None,
            "closed_at": None,
        }
    )


def close(incident: Incident, *, at: datetime) -> Incident:
    """Say that nothing more will be done in it. Raises NotNow unless it is restored."""
    if incident.state is not IncidentState.RESTORED:
        raise NotNow(f"the incident is {incident.state.value}; restore it first")
    return incident.model_copy(
        update={
            "version": incident.version + 1,
            "state": IncidentState.CLOSED,
            "closed_at": max(at, incident.restored_at or at),
        }
    )


def changed_at(before: Incident, after: Incident) -> datetime:
    """Tell when a change of state counts from: not before what it follows, whatever was said."""
    match after.state:
        case IncidentState.RESTORED:
            at = after.restored_at
        case IncidentState.CLOSED:
            at = after.closed_at
        case _ if before.state in FAILING:
            at = after.acknowledged_at
        case _:
            at = after.failing_since
    return at or after.reported_at


SETTLED = "a verified permanent fix has settled it"
"""Why an incident closes by itself."""
