"""What intake does on a command: hold, decide by the rules, keep, emit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mejora_events.contracts.base import Channel, EventData
from mejora_events.contracts.incidents import (
    Incident,
    IncidentAcknowledged,
    IncidentChanged,
    IncidentClosed,
    IncidentReopened,
    IncidentReported,
    IncidentRestored,
    IncidentState,
)
from mejora_events.ids import IncidentId, new_id
from mejora_events.store import Work
from mejora_intake import store
from mejora_intake.model import (
    SETTLED,
    Disposition,
    Recognition,
    Signal,
    acknowledge,
    close,
    recognise,
    reopen,
    restore,
)
from mejora_intake.store import Failure, Note


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a signal."""

    disposition: Disposition
    rule: str
    incident_id: UUID | None
    repeated_delivery: bool = False
    """The same message came before; this is what became of it then."""


class UnknownIncident(LookupError):
    """There is no such incident."""


async def take_signals(
    work: Work, signals: Sequence[Signal], *, flap_window_seconds: float
) -> list[Taken]:
    """Keep signals and let each count once, in the order given; tell what became of each."""
    failures = {(signal.source, signal.fingerprint) for signal in signals}
    current = await store.hold_current(work.conn, failures)
    known = await store.known_signals(work.conn, signals)
    taken = {
        key: Taken(Disposition(r["disposition"]), r["rule"], r["incident_id"], True)
        for key, r in known.items()
    }
    folding = _Folding(work, current, flap_window_seconds)
    answers = []
    for signal in signals:
        key = (signal.source, signal.id)
        if key not in taken:
            answers.append(folding.take(signal))
            taken[key] = Taken(
                answers[-1].disposition, answers[-1].rule, answers[-1].incident_id, True
            )
        else:
            answers.append(taken[key])
    await folding.keep()
    return answers


class _Folding:
    """Signals on their way through the rules, one after the other, in memory."""

    def __init__(
        self, work: Work, current: dict[Failure, Incident], flap_window_seconds: float
    ) -> None:
        self._work, self._current = work, current
        self._window = flap_window_seconds
        self._recognised: list[tuple[Signal, Recognition, UUID | None]] = []
        self._touched: dict[IncidentId, Incident] = {}
        self._opened: list[IncidentId] = []
        self._notes: list[Note] = []
        self._facts: list[tuple[EventData, datetime, str | None]] = []

    def take(self, signal: Signal) -> Taken:
        failure = (signal.source, signal.fingerprint)
        received_at = signal.received_at or self._work.now
        recognition = recognise(
            self._current.get(failure),
            signal,
            received_at=received_at,
            flap_window_seconds=self._window,
            new_id=IncidentId(new_id()),
        )
        incident = recognition.incident
        if incident is not None:
            self._current[failure] = self._touched[incident.incident_id] = incident
            self._tell(signal, recognition, incident, received_at)
        told = incident or self._current.get(failure)
        incident_id = told.incident_id if told else None
        self._recognised.append((signal, recognition, incident_id))
        return Taken(recognition.disposition, recognition.rule, incident_id)

    def _tell(
        self, signal: Signal, recognition: Recognition, incident: Incident, received_at: datetime
    ) -> None:
        actor = f"{signal.origin.value}:{signal.source}"
        at = received_at
        fact: EventData | None = None
        match recognition.disposition:
            case Disposition.OPENED:
                self._opened.append(incident.incident_id)
                fact = IncidentReported(incident=incident)
            case Disposition.REOPENED:
                at = incident.failing_since or received_at
                fact = IncidentReopened(incident=incident, reopened_at=at, reason=recognition.rule)
            case Disposition.RESTORED:
                at = incident.restored_at or received_at
                fact = IncidentRestored(incident=incident, by=actor)
            case _ if recognition.changed:
                fact = IncidentChanged(
                    incident=incident, changed=recognition.changed, changed_at=received_at
                )
        if fact is None:
            return
        self._facts.append((fact, at, signal.traceparent))
        self._notes.append(
            Note(incident.incident_id, at, recognition.disposition.value, actor, recognition.rule)
        )

    async def keep(self) -> None:
        """Write all that changed, then emit: the incidents' rows are held by now."""
        if not self._recognised:
            return
        opened = set(self._opened)
        await store.open_incidents(self._work, [self._touched[i] for i in self._opened])
        await store.update_incidents(
            self._work, [i for key, i in self._touched.items() if key not in opened]
        )
        await store.keep_signals(self._work, self._recognised)
        await store.note(self._work, self._notes)
        for fact, at, traceparent in self._facts:
            self._work.emit(fact, at=at, traceparent=traceparent)


async def acknowledge_incident(
    work: Work, incident_id: IncidentId, *, at: datetime, note: str
) -> None:
    """Say that somebody is on it. Raises UnknownIncident and NotNow."""
    await _change(
        work,
        incident_id,
        lambda incident: acknowledge(incident, at=at, by=work.actor),
        lambda incident: IncidentAcknowledged(incident=incident),
        Note(incident_id, at, "acknowledged", work.actor, note),
    )


async def restore_incident(
    work: Work, incident_id: IncidentId, *, at: datetime, channel: Channel, note: str
) -> None:
    """Say that the service level is back. Raises UnknownIncident and NotNow."""
    await _change(
        work,
        incident_id,
        lambda incident: restore(incident, at=at, channel=channel),
        lambda incident: IncidentRestored(incident=incident, by=work.actor, note=note),
        Note(incident_id, at, f"restored ({channel.value})", work.actor, note),
    )


async def reopen_incident(work: Work, incident_id: IncidentId, *, at: datetime, note: str) -> None:
    """Say that it is failing after all. Raises UnknownIncident and NotNow."""
    await _change(
        work,
        incident_id,
        lambda incident: reopen(incident, at=at),
        lambda incident: IncidentReopened(
            incident=incident, reopened_at=incident.failing_since or at, reason=note
        ),
        Note(incident_id, at, "reopened", work.actor, note),
    )
    await store.mark_settled(work, [incident_id], settled=False)


async def close_incident(work: Work, incident_id: IncidentId, *, at: datetime, note: str) -> None:
    """Say that nothing more will be done in it. Raises UnknownIncident and NotNow."""
    await _change(
        work,
        incident_id,
        lambda incident: close(incident, at=at),
        lambda incident: IncidentClosed(incident=incident, by=work.actor, note=note),
        Note(incident_id, at, "closed", work.actor, note),
    )


async def _change(
    work: Work,
    incident_id: IncidentId,
    rule: Callable[[Incident], Incident],
    fact: Callable[[Incident], EventData],
    note: Note,
) -> None:
    held = await store.hold(work, [incident_id])
    if incident_id not in held:
        raise UnknownIncident(str(incident_id))
    incident, settled = held[incident_id]
    changed = rule(incident)
    work.emit(fact(changed), at=note.at)
    notes = [note]
    if settled and changed.state is IncidentState.RESTORED:
        changed = close(changed, at=note.at)
        work.emit(IncidentClosed(incident=changed, by="mejora", note=SETTLED))
        notes.append(Note(incident_id, note.at, "closed", "mejora", SETTLED))
    await store.update_incidents(work, [changed])
    await store.note(work, notes)
