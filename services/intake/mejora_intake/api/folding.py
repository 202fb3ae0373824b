"""Signals on their way into the store: hold, decide by the rules, keep, emit."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import SerializationError
from msgspec import Struct, structs

from mejora_events.contracts.base import Channel, EventData
from mejora_events.contracts.incidents import (
    Incident,
    IncidentChanged,
    IncidentReopened,
    IncidentReported,
    IncidentRestored,
)
from mejora_events.ids import IncidentId, new_id
from mejora_events.places import Where
from mejora_events.store import Work
from mejora_intake.early import OVER_BEFORE, EarlyEnd, early_end, ends
from mejora_intake.elsewhere import SeenPlaces, is_elsewhere, place_in
from mejora_intake.model import (
    FAILING,
    Disposition,
    Recognition,
    Signal,
    recognise,
    repetition,
    restore,
)
from mejora_intake.noticing import customers_of, is_apart, join, meets
from mejora_intake.silences import Silence, Silences, goes_on_silenced
from mejora_intake.store import customers, incidents, timeline
from mejora_intake.store import signals as store
from mejora_intake.store.early import keep_early_ends
from mejora_intake.store.incidents import Failure
from mejora_intake.store.out_of_turn import OutOfTurn, hold_failures, out_of_turn
from mejora_intake.store.signals import Current, Kept, Known, Met
from mejora_intake.store.silenced import keep_silenced
from mejora_intake.store.silences import count_suppressed
from mejora_intake.store.timeline import Note

_BEGINNING = (Disposition.OPENED, Disposition.REOPENED)
"""What becomes of a signal by which something begins to fail."""


_WIDER = ("elsewhere",)
"""What changes when a signal says nothing new but where else it is: told once a round."""


class Taken(Struct, frozen=True):
    """What became of a signal."""

    disposition: Disposition
    rule: str
    incident_id: IncidentId | None
    repeated_delivery: bool = False
    """The same message came before; this is what became of it then."""


async def take_signals(
    work: Work,
    signals: Sequence[Signal],
    *,
    flap_window_seconds: float,
    silences: Silences,
    seen_places: SeenPlaces,
) -> list[Taken]:
    """Keep signals and let each count once, in the order given; tell what became of each."""
    ids = [store.delivery_id(signal) for signal in signals]
    silenced = silences.suppressing(signals, work.now)
    as_silenced = {
        place: store.delivery_id(signals[place], silence.silence_id)
        for place, silence in silenced.items()
    }
    failures = {(signal.source, signal.fingerprint): signal.component for signal in signals}
    known = await store.known(work.conn, [*ids, *as_silenced.values()], failures)
    for place, as_silenced_id in as_silenced.items():
        if ids[place] not in known.delivered:  # what came before it was silenced has counted
            ids[place] = as_silenced_id
    taken = {
        key: Taken(Disposition(r["disposition"]), r["rule"], r["incident_id"], True)
        for key, r in known.delivered.items()
    }
    new = [
        signal
        for place, (key, signal) in enumerate(zip(ids, signals, strict=True))
        if key not in taken and place not in silenced
    ]
    suppressed = [signals[place] for place in silenced]
    folding = await _Folding.of(work, new, suppressed, known, flap_window_seconds, seen_places)
    answers = []
    for place, (key, signal) in enumerate(zip(ids, signals, strict=True)):
        before = taken.get(key)
        if before is None:
            before = taken[key] = folding.take(key, signal, silenced.get(place))
        elif not before.repeated_delivery:
            before = taken[key] = structs.replace(before, repeated_delivery=True)
        answers.append(before)
    await folding.keep()
    return answers


class _Folding:
    """Signals on their way through the rules, one after the other, in memory.

    Most signals only say once more what is known: for those, the incident's standing is enough,
    and all that changes is a count. Incidents that may change otherwise are held and read whole.
    """

    def __init__(
        self,
        work: Work,
        known: Known,
        whole: dict[IncidentId, Incident],
        in_mind: OutOfTurn,
        flap_window_seconds: float,
    ) -> None:
        self._work, self._standing, self._whole = work, known.standing, whole
        self._early = in_mind.early
        self._ends: dict[Failure, EarlyEnd | None] = {}
        """Ends that came before what they end, and those that have found it."""
        self._silenced: dict[Failure, tuple[UUID, Signal] | None] = dict.fromkeys(in_mind.silenced)
        """What a silence keeps from becoming an incident, and what it no longer does."""
        self._window = flap_window_seconds
        self._met: defaultdict[str, set[IncidentId]] = defaultdict(set)
        for component, mets in known.met.items():
            self._met[component.casefold()] |= {met.incident_id for met in mets}
        self._kept: list[Kept] = []
        self._counted: Counter[Failure] = Counter()
        self._touched: dict[IncidentId, Incident] = {}
        self._opened: list[IncidentId] = []
        self._handed_on: dict[Failure, IncidentId] = {}
        self._suppressed: Counter[UUID] = Counter()
        self._customers: set[tuple[str, IncidentId]] = set()
        self._notes: list[Note] = []
        self._facts: list[tuple[EventData, datetime, str | None]] = []
        self._wider: dict[IncidentId, int] = {}
        """The fact by which it is told that an incident is elsewhere too, where it is its last."""

    @classmethod
    async def of(
        cls,
        work: Work,
        signals: Sequence[Signal],
        suppressed: Sequence[Signal],
        known: Known,
        flap_window_seconds: float,
        seen_places: SeenPlaces,
    ) -> "_Folding":
        """Hold and read those failures and incidents that the signals may change.

        Raises SerializationError when another instance opened one of the failures just now, or
        handed it on.
        """
        changing: dict[IncidentId, list[Where]] = {}
        counting: set[IncidentId] = set()
        perhaps_new: set[Failure] = set()
        for s in signals:
            current = known.standing.get(failure := (s.source, s.fingerprint))
            if current is None:
                perhaps_new.add(failure)
                continue
            place = place_in(s.labels)
            if repetition(current, s) and seen_places.has(current.incident_id, place):
                counting.add(current.incident_id)
            else:
                perhaps_new.add(failure)
                changing.setdefault(current.incident_id, []).append(place)
        for s in suppressed:
            current = known.standing.get(failure := (s.source, s.fingerprint))
            if current is None or current.state not in FAILING:
                perhaps_new.add(failure)
        await hold_failures(work, perhaps_new)
        if known.met:
            for met in _met_by(work, signals, known.met):
                changing.setdefault(met, [])
        ceded = {current.incident_id: current.ceded for current in known.standing.values()}
        whole: dict[IncidentId, Incident] = {}
        for incident_id, held in (await incidents.hold(work, changing, beside=counting)).items():
            if held.ceded != ceded.get(incident_id, held.ceded):
                raise SerializationError("the failure has a newer incident by now")
            whole[incident_id] = held.incident
            for place in changing[incident_id]:
                if not is_elsewhere(held.incident, place):
                    seen_places.add(incident_id, place)
        in_mind = await out_of_turn(work.conn, perhaps_new)
        if not in_mind.begun <= known.standing.keys():
            raise SerializationError("another instance opened the same failure just now")
        return cls(work, known, whole, in_mind, flap_window_seconds)

    def take(self, delivery_id: UUID, signal: Signal, silence: Silence | None) -> Taken:
        failure = (signal.source, signal.fingerprint)
        current = self._standing.get(failure)
        if silence is not None:
            self._suppressed[silence.silence_id] += 1
            taken = Taken(Disposition.SUPPRESSED, silence.rule, self._open_with(failure))
            if taken.incident_id is None and goes_on_silenced(signal):
                over = self._its_end(failure, signal, signal.received_at or self._work.now)
                self._silenced[failure] = None if over else (silence.silence_id, signal)
        elif current is not None and current.incident_id not in self._whole:
            rule = repetition(current, signal) or ""
            self._counted[failure] += 1
            taken = Taken(Disposition.REPEATED, rule, current.incident_id)
        else:
            taken = self._recognise(failure, signal)
        if taken.incident_id is not None and taken.disposition is not Disposition.SUPPRESSED:
            self._customers.update((name, taken.incident_id) for name in customers_of(signal))
        self._kept.append(
            Kept(delivery_id, signal, taken.disposition, taken.rule, taken.incident_id)
        )
        return taken

    def _recognise(self, failure: Failure, signal: Signal) -> Taken:
        received_at = signal.received_at or self._work.now
        newest = self._newest(failure)
        recognition = recognise(
            self._whole[newest] if newest else None,
            signal,
            received_at=received_at,
            flap_window_seconds=self._window,
            new_id=IncidentId(new_id()),
        )
        if recognition.disposition is Disposition.OPENED:
            recognition = self._met_instead(signal, received_at) or recognition
        incident = recognition.incident
        if incident is not None:
            self._whole[incident.incident_id] = self._touched[incident.incident_id] = incident
            if incident.incident_id != newest:
                self._handed_on[failure] = incident.incident_id
            self._tell(signal, recognition, incident, received_at)
        else:
            self._keep_in_mind(failure, signal, newest, received_at)
        if failure in self._silenced:
            self._silenced[failure] = None
        rule = recognition.rule
        if incident is not None and recognition.disposition in _BEGINNING:
            rule = self._end_early(failure, signal, incident, rule, received_at)
        told = incident.incident_id if incident else newest
        return Taken(recognition.disposition, rule, told)

    def _keep_in_mind(
        self,
        failure: Failure,
        signal: Signal,
        newest: IncidentId | None,
        received_at: datetime,
    ) -> None:
        """Keep an end that came before what it ends; what a silence suppressed had come before."""
        current = self._whole[newest] if newest else None
        end = early_end(current, signal, received_at=received_at)
        if end is not None and failure not in self._silenced:
            self._early[failure] = self._ends[failure] = end

    def _end_early(
        self,
        failure: Failure,
        signal: Signal,
        incident: Incident,
        rule: str,
        received_at: datetime,
    ) -> str:
        """Restore what has just begun, if its end came before it; give the rule with that."""
        end = self._its_end(failure, signal, received_at)
        if end is None:
            return rule
        over = restore(incident, at=end.ended_at, channel=Channel.RESTORE)
        self._whole[incident.incident_id] = self._touched[incident.incident_id] = over
        recognition = Recognition(Disposition.RESTORED, OVER_BEFORE, over)
        self._tell(signal, recognition, over, received_at)
        return f"{rule}; {OVER_BEFORE}"

    def _its_end(self, failure: Failure, signal: Signal, received_at: datetime) -> EarlyEnd | None:
        """Give the end that came before a signal, if one did; it is kept in mind no more."""
        end = self._early.pop(failure, None)
        if end is None:
            return None
        self._ends[failure] = None
        over = ends(end, signal, received_at=received_at, flap_window_seconds=self._window)
        return end if over else None

    def _met_instead(self, signal: Signal, received_at: datetime) -> Recognition | None:
        """Let a signal join the one open incident of its component, where the rules say so."""
        met = self._met.get(signal.component.casefold(), ())
        incident = self._whole.get(next(iter(met))) if len(met) == 1 else None
        if incident is None or incident.state not in FAILING:
            return None
        if is_apart(incident, signal, received_at=received_at):
            return None
        rule = meets(incident.origin, incident.reported_at, signal, received_at=received_at)
        return join(incident, signal, rule, received_at=received_at) if rule else None

    def _newest(self, failure: Failure) -> IncidentId | None:
        """Tell which incident a failure is with by now."""
        if (handed_on := self._handed_on.get(failure)) is not None:
            return handed_on
        current = self._standing.get(failure)
        return current.incident_id if current else None

    def _open_with(self, failure: Failure) -> IncidentId | None:
        """Tell which open incident a failure is with by now, if one is."""
        newest = self._newest(failure)
        if newest is None:
            return None
        known = self._whole.get(newest) or self._standing[failure]
        return newest if known.state in FAILING else None

    def _tell(
        self, signal: Signal, recognition: Recognition, incident: Incident, received_at: datetime
    ) -> None:
        actor = f"{signal.origin.value}:{signal.source}"
        at = received_at
        fact: EventData | None = None
        match recognition.disposition:
            case Disposition.OPENED:
                self._opened.append(incident.incident_id)
                self._met[incident.component.casefold()].add(incident.incident_id)
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
        told_wider = self._wider.pop(incident.incident_id, None)
        if recognition.changed == _WIDER:
            place = len(self._facts) if told_wider is None else told_wider
            self._wider[incident.incident_id] = place
            if told_wider is not None:
                self._facts[told_wider] = (fact, at, signal.traceparent)
                return
        self._facts.append((fact, at, signal.traceparent))
        self._notes.append(
            Note(incident.incident_id, at, recognition.disposition.value, actor, recognition.rule)
        )

    async def keep(self) -> None:
        """Write all that changed, then emit: the incidents' rows are held by then."""
        if not self._kept:
            return
        opened = set(self._opened)
        await incidents.open_incidents(
            self._work, [self._touched[i] for i in self._opened], self._handing_on()
        )
        await store.keep_signals(self._work, self._kept)
        await self._tell_counts(await store.count(self._work, self._counts()))
        await incidents.update_incidents(
            self._work, [i for key, i in self._touched.items() if key not in opened]
        )
        await keep_early_ends(self._work, self._ends)
        await keep_silenced(self._work, self._silenced)
        await customers.keep_customers(self._work, self._customers)
        await timeline.note(self._work, self._notes)
        await count_suppressed(self._work, self._suppressed)
        for fact, at, traceparent in self._facts:
            self._work.emit(fact, at=at, traceparent=traceparent)

    def _handing_on(self) -> dict[Failure, tuple[IncidentId, IncidentId | None]]:
        """Give for failures the incident that they are with from now on, and were with before."""
        return {
            failure: (incident_id, before.incident_id if before else None)
            for failure, incident_id in self._handed_on.items()
            for before in (self._standing.get(failure),)
        }

    def _counts(self) -> list[tuple[Current, int]]:
        """Give how much each incident's count grows, of all failures that are with it."""
        more: dict[IncidentId, int] = {}
        counted: dict[IncidentId, Current] = {}
        for failure, count in self._counted.items():
            current = self._standing[failure]
            counted[current.incident_id] = current
            more[current.incident_id] = more.get(current.incident_id, 0) + count
        return [(counted[incident_id], more[incident_id]) for incident_id in sorted(counted)]

    async def _tell_counts(self, grown: Sequence[IncidentId]) -> None:
        """Tell of counts that have become worth telling."""
        if not grown:
            return
        for incident_id, held in (await incidents.hold(self._work, grown)).items():
            incident = held.incident.model_copy(update={"version": held.incident.version + 1})
            self._touched[incident_id] = incident
            last = next(k.signal for k in reversed(self._kept) if k.incident_id == incident_id)
            repeated = Recognition(
                Disposition.REPEATED, "its incident is open", incident, ("occurrences",)
            )
            self._tell(last, repeated, incident, last.received_at or self._work.now)


def _met_by(
    work: Work, signals: Sequence[Signal], met: Mapping[str, Sequence[Met]]
) -> set[IncidentId]:
    """Give the open incidents that signals may join."""
    return {
        mets[0].incident_id
        for s in signals
        if len(mets := met.get(s.component, ())) == 1
        and meets(mets[0].origin, mets[0].reported_at, s, received_at=s.received_at or work.now)
    }
