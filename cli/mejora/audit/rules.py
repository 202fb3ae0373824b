"""The comparisons: pure functions from what stores hold to what is wrong."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from mejora.audit.findings import Check, Finding, Kind
from mejora.audit.ledger import Accepted
from mejora.audit.picture import (
    DIAGNOSIS,
    INCIDENT,
    THINGS,
    Frame,
    Letter,
    Picture,
    ProblemCount,
    Received,
    SignalsHeld,
    Snapshot,
    Thing,
)
from mejora_events.contracts import TOPICS, TYPES, Keep
from mejora_events.contracts import diagnoses as diagnoses_contract
from mejora_improvement.model.feed import belongs_in_feed

Listens = Mapping[str, Collection[str]]
"""By service: the event types that it reacts to."""

_COMPACTED = {
    contract.TYPE
    for topic in TOPICS
    if topic.keep is Keep.NEWEST_OF_EACH_KEY
    for contract in topic.types
}
"""Of these a reader that was away may rightly miss all but the newest: its copies are compared."""

_FED = {contract.TYPE for contract in TYPES.values() if belongs_in_feed(contract)}


def compare(picture: Picture, ledger: Sequence[Accepted], listens: Listens) -> list[Check]:
    """Make all comparisons."""
    frames = picture.frames
    checks = [
        _check("accepted messages", len(ledger), accepted_are_kept(ledger, picture.signals)),
        _check(
            "incidents and their signals",
            len(picture.signals.occurrences),
            occurrences_add_up(picture.signals),
        ),
        _check(
            "events told and received",
            sum(len(frame.told) for frame in frames.values()),
            events_arrived(frames, listens),
        ),
        _check(
            "events in the feed",
            len(picture.feed.events),
            feed_is_whole(frames, picture.feed.events),
        ),
        _check(
            "incidents and their diagnoses",
            len(picture.signatures),
            each_is_diagnosed(
                picture.held.get((INCIDENT.name, INCIDENT.owner), ()),
                picture.held.get((DIAGNOSIS.name, DIAGNOSIS.owner), ()),
                _keys(frames, "diagnosis", INCIDENT.topic),
            ),
        ),
        _check(
            "problems and their incidents",
            len(picture.problem_counts),
            problems_count_right(
                picture.signatures,
                picture.problem_counts,
                _keys(frames, "problem", diagnoses_contract.TOPIC),
            ),
        ),
    ]
    for thing in THINGS:
        own = picture.held.get((thing.name, thing.owner), ())
        told = None if thing.every_change_told else picture.feed.newest_told.get(thing.name, {})
        copies = {service: picture.held[(thing.name, service)] for service in thing.copied_by}
        # What is not told each time is known from the feed, as far as that has come.
        behind = set() if told is None else _keys(frames, "improvement", thing.topic)
        excused = {
            service: _keys(frames, service, thing.topic) | behind for service in thing.copied_by
        }
        found = copies_agree(thing, own, told, copies, excused)
        checks.append(_check(f"copies: {thing.name}", len(own), found))
    letters = {service: frame.letters for service, frame in frames.items()}
    waiting = sum(map(len, letters.values()))
    checks.append(_check("dead letters", waiting, letters_wait(letters)))
    return checks


def _check(name: str, compared: int, findings: Iterable[Finding]) -> Check:
    return Check(name, compared, tuple(findings))


def _keys(frames: Mapping[str, Frame], service: str, topic: str) -> set[str]:
    """Give the keys of a topic of which a service has not taken every record, as its letters say.

    What follows from that is no finding of its own: the letters are reported.
    """
    frame = frames.get(service, Frame())
    return {letter.key for letter in frame.letters if letter.topic == topic}


def accepted_are_kept(ledger: Iterable[Accepted], held: SignalsHeld) -> Iterator[Finding]:
    """Compare what clients were answered with what intake keeps."""
    kept: defaultdict[tuple[str, str], list[UUID | None]] = defaultdict(list)
    for signal in held.of_ledger:
        kept[(signal.source, signal.id)].append(signal.incident_id)
    for one in ledger:
        incidents = kept[(one.source, one.id)]
        name = f"{one.source} {one.id}"
        if not incidents:
            detail = f"accepted for the incident {one.incident_id}"
            yield Finding(Kind.LOST, "intake", "signal", name, detail)
        elif one.incident_id not in incidents:
            detail = f"answered with the incident {one.incident_id}, kept with {incidents[0]}"
            yield Finding(Kind.DIFFERENT, "intake", "signal", name, detail)


def occurrences_add_up(held: SignalsHeld) -> Iterator[Finding]:
    """Compare what incidents say of their signals with the signals that are kept."""
    for source, signal_id in held.doubled:
        yield Finding(Kind.DOUBLED, "intake", "signal", f"{source} {signal_id}")
    for incident_id in held.counted.keys() - held.occurrences.keys():
        signals = f"{held.counted[incident_id]} signals belong to it"
        yield Finding(Kind.LOST, "intake", "incident", incident_id, signals)
    for incident_id, said in held.occurrences.items():
        counted = held.counted.get(incident_id, 0)
        if said != counted:
            kind = Kind.LOST if counted < said else Kind.DOUBLED
            detail = f"counts {said} occurrences; {counted} of its signals are kept"
            yield Finding(kind, "intake", "signals of incident", incident_id, detail)


def events_arrived(frames: Mapping[str, Frame], listens: Listens) -> Iterator[Finding]:
    """Compare the events that each service told with those that took effect in the others."""
    types: dict[Received, str] = {}
    for writer, frame in frames.items():
        times = Counter(told.event_id for told in frame.told)
        for told in frame.told:
            types[Received(f"/mejora/{writer}", told.event_id)] = told.type
            if told.waits:
                yield Finding(
                    Kind.WAITING, writer, told.type, str(told.event_id), "waits in the outbox"
                )
        for event_id, count in times.items():
            if count > 1:
                detail = f"journal and outbox hold it {count} times"
                yield Finding(Kind.DOUBLED, writer, "event", str(event_id), detail)
    for reader, frame in frames.items():
        received = set(frame.received)
        lettered = {letter.event_id for letter in frame.letters}
        wanted = set(listens[reader]) - _COMPACTED
        for event, event_type in types.items():
            if (
                event_type in wanted
                and event not in received
                and str(event.event_id) not in lettered
            ):
                detail = f"told by {event.writer} and never received"
                yield Finding(Kind.LOST, reader, event_type, str(event.event_id), detail)
        for event in received - types.keys():
            if str(event.event_id) not in lettered:
                detail = f"received from {event.writer}, which never told it"
                yield Finding(Kind.UNKNOWN, reader, "event", str(event.event_id), detail)


def feed_is_whole(frames: Mapping[str, Frame], feed: Mapping[Received, int]) -> Iterator[Finding]:
    """Compare the feed with the events that the service that keeps it has received."""
    types = {
        Received(f"/mejora/{writer}", told.event_id): told.type
        for writer, frame in frames.items()
        for told in frame.told
    }
    reader = frames.get("improvement", Frame())
    received = set(reader.received)
    # What an operator dropped counts as received, so that it does not come back.
    lettered = {letter.event_id for letter in reader.letters}
    for event in received:
        if types.get(event) in _FED and not feed.get(event) and str(event.event_id) not in lettered:
            detail = "received, and not in the feed"
            yield Finding(Kind.LOST, "improvement", "feed", str(event.event_id), detail)
    ours = {event for event in feed if event.writer.startswith("/mejora/")}
    for event in ours - received:
        detail = "in the feed, and never received"
        yield Finding(Kind.UNKNOWN, "improvement", "feed", str(event.event_id), detail)
    for event, count in feed.items():
        if count > 1:
            detail = f"the feed holds it {count} times"
            yield Finding(Kind.DOUBLED, "improvement", "feed", str(event.event_id), detail)


def each_is_diagnosed(
    incidents: Iterable[Snapshot], diagnoses: Iterable[Snapshot], excused: Collection[str]
) -> Iterator[Finding]:
    """Compare incidents with diagnoses: each incident has one."""
    diagnosed = {diagnosis.id for diagnosis in diagnoses}
    for incident in incidents:
        if incident.id not in diagnosed and incident.id not in excused:
            yield Finding(Kind.LOST, "diagnosis", "diagnosis of incident", incident.id)


def problems_count_right(
    signatures: Mapping[str, str], problems: Mapping[str, ProblemCount], excused: Collection[str]
) -> Iterator[Finding]:
    """Compare the incidents that problems count with those that diagnosis gave the signature."""
    by_signature: defaultdict[str, set[str]] = defaultdict(set)
    for incident_id, signature_id in signatures.items():
        by_signature[signature_id].add(incident_id)
    for signature_id in by_signature.keys() | problems.keys():
        incidents = by_signature[signature_id]
        if incidents & set(excused):
            continue
        problem = problems.get(signature_id)
        if problem is None:
            if len(incidents) > 1:
                detail = f"{len(incidents)} incidents and no problem, the first {min(incidents)}"
                yield Finding(Kind.LOST, "problem", "problem of signature", signature_id, detail)
        elif problem.incidents != len(incidents):
            kind = Kind.LOST if problem.incidents < len(incidents) else Kind.DOUBLED
            detail = f"counts {problem.incidents} incidents; {len(incidents)} were diagnosed"
            yield Finding(kind, "problem", "incidents of problem", problem.problem_id, detail)


def copies_agree(
    thing: Thing,
    own: Sequence[Snapshot],
    newest_told: Mapping[str, int] | None,
    copies: Mapping[str, Sequence[Snapshot]],
    excused: Mapping[str, Collection[str]],
) -> Iterator[Finding]:
    """Compare what other services hold of a thing with the newest that its owner has told.

    Without `newest_told`, the owner tells each version.
    """
    yield from _doubled(thing.name, thing.owner, own)
    owned = {one.id: one for one in own}
    for name, version in (newest_told or {}).items():
        if name not in owned or owned[name].version < version:
            detail = f"version {version} was told"
            yield Finding(Kind.LOST, thing.owner, thing.name, name, detail)
    told = {one.id: one.version for one in own} if newest_told is None else newest_told
    for service, copy in copies.items():
        yield from _doubled(thing.name, service, copy)
        held = {one.id: one for one in copy}
        for name, version in told.items():
            key = owned[name].key if name in owned else name
            if key in excused.get(service, ()):
                continue
            if name not in held:
                detail = f"{thing.owner} told version {version}"
                yield Finding(Kind.LOST, service, f"copy of {thing.name}", name, detail)
            elif held[name].version != version:
                detail = f"version {held[name].version}; {thing.owner} told {version}"
                yield Finding(Kind.DIFFERENT, service, f"copy of {thing.name}", name, detail)
        if not thing.others_too:
            for name in held.keys() - told.keys():
                if held[name].key not in excused.get(service, ()):
                    detail = f"{thing.owner} told of none of this id"
                    yield Finding(Kind.UNKNOWN, service, f"copy of {thing.name}", name, detail)


def _doubled(thing: str, service: str, rows: Iterable[Snapshot]) -> Iterator[Finding]:
    for name, count in Counter(row.id for row in rows).items():
        if count > 1:
            yield Finding(Kind.DOUBLED, service, thing, name, f"is there {count} times")


def letters_wait(letters: Mapping[str, Sequence[Letter]]) -> Iterator[Finding]:
    """Tell of the records that wait for an operator; one that was dropped was decided about."""
    for service, written in letters.items():
        for letter in written:
            if letter.state != "dropped":
                detail = f"{letter.topic} {letter.key}: {letter.state}: {letter.reason[:200]}"
                name = f"{letter.letter_id} (event {letter.event_id})"
                yield Finding(Kind.PARKED, service, "dead letter", name, detail)
