"""Routes and commands by which two incidents become one, and one becomes two."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from mejora_events.contracts.base import Origin
from mejora_events.contracts.incidents import (
    IncidentChanged,
    IncidentClosed,
    IncidentReported,
    IncidentRestored,
)
from mejora_events.ids import IncidentId, new_id
from mejora_events.store import Work
from mejora_intake.api.commands import UnknownIncident
from mejora_intake.api.incidents import IncidentWithTimeline, carried_out
from mejora_intake.merging import Moved, Split, merge, split
from mejora_intake.noticing import NO_CUSTOMER, customer_named
from mejora_intake.store import customers, incidents, moving, timeline
from mejora_intake.store.incidents import Held
from mejora_intake.store.timeline import Note
from mejora_service.errors import Invalid
from mejora_service.web import Command, operating

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])

_AS_SIGNALS_SAY = "the newest of its signals says so"

Named = Annotated[str, Field(min_length=1, max_length=10_000)]


class MergeWanted(BaseModel):
    """Which incident goes on."""

    model_config = ConfigDict(extra="forbid")

    into: UUID
    note: str = ""


class SignalNamed(BaseModel):
    """A signal, as its source names it."""

    model_config = ConfigDict(extra="forbid")

    source: Named
    id: Named


class SplitWanted(BaseModel):
    """Which signals tell of another failure: named one by one, or by what they have in common."""

    model_config = ConfigDict(extra="forbid")

    signals: Annotated[list[SignalNamed], Field(max_length=10_000)] = []
    fingerprints: Annotated[list[Named], Field(max_length=1_000)] = []
    note: str = ""


@router.post("/{incident_id}/merge")
async def merge_incident(
    incident_id: UUID, body: MergeWanted, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that an incident tells of the same failure as another, which goes on; show the other.

    This one is closed and its signals go to the other, as do further ones of its failures for as
    long as the other is open.
    """

    async def do(work: Work) -> None:
        await _merge(work, IncidentId(incident_id), IncidentId(body.into), body.note)

    return await carried_out(body.into, command, do)


@router.post("/{incident_id}/split")
async def split_incident(
    incident_id: UUID, body: SplitWanted, command: Annotated[Command, Depends(operating)]
) -> IncidentWithTimeline:
    """Say that some signals of an incident tell of another failure; show its new incident.

    Further signals of a failure go to the new incident when all that counted of it did.
    """
    created = IncidentId(new_id())

    async def do(work: Work) -> None:
        await _split(work, IncidentId(incident_id), body, created)

    return await carried_out(created, command, do)


async def _merge(work: Work, incident_id: IncidentId, into_id: IncidentId, note: str) -> None:
    held = await _hold(work, {incident_id, into_id})
    before = held[incident_id].incident
    merged = merge(before, held[into_id].incident, at=work.now)
    await moving.move_all(work, incident_id, into_id)
    failures = await incidents.failures_with(work, incident_id)
    await incidents.open_incidents(work, [], dict.fromkeys(failures, (into_id, incident_id)))
    await incidents.update_incidents(work, [merged.closed, merged.into])
    await incidents.keep_as_old_as(work, into_id, incident_id)
    await customers.share_customers(work, incident_id, into_id)
    told_merged = _with_note(f"merged into {into_id}", note)
    told_into = _with_note(f"took over {incident_id}, occurrences: {before.occurrences}", note)
    await timeline.note(
        work,
        [
            Note(incident_id, work.now, "merged", work.actor, told_merged),
            Note(into_id, work.now, "merged", work.actor, told_into),
        ],
    )
    work.emit(IncidentClosed(incident=merged.closed, by=work.actor, note=told_merged))
    work.emit(IncidentChanged(incident=merged.into, changed=merged.changed, changed_at=work.now))


async def _split(
    work: Work, incident_id: IncidentId, wanted: SplitWanted, created: IncidentId
) -> None:
    held = await _hold(work, {incident_id})
    moved, missing = await moving.move_some(
        work,
        incident_id,
        created,
        signals={(one.source, one.id) for one in wanted.signals},
        fingerprints=set(wanted.fingerprints),
    )
    if missing or not moved:
        raise _not_its_own(incident_id, missing)
    done = split(held[incident_id].incident, moved, new_id=created)
    now = done.restored or done.reported
    going = await _going_along(work, incident_id, moved)
    await incidents.open_incidents(work, [now], dict.fromkeys(going, (created, incident_id)))
    await incidents.update_incidents(work, [done.old])
    await incidents.keep_as_old_as(work, created, incident_id)
    await customers.keep_customers(work, {(one, created) for one in _customers_of(moved)})
    await timeline.note(work, _notes_of_split(work, done, wanted.note))
    work.emit(IncidentReported(incident=done.reported))
    if done.restored is not None:
        work.emit(
            IncidentRestored(incident=done.restored, by=work.actor, note=_AS_SIGNALS_SAY),
            at=done.restored.restored_at,
        )
    work.emit(IncidentChanged(incident=done.old, changed=("occurrences",), changed_at=work.now))


async def _going_along(
    work: Work, incident_id: IncidentId, moved: Collection[Moved]
) -> list[incidents.Failure]:
    """Give the failures whose further signals are the new incident's."""
    counted = {(signal.source, signal.fingerprint) for signal in moved if signal.counts}
    gone = await moving.failures_gone(work, incident_id, counted)
    return [one for one in await incidents.failures_with(work, incident_id) if one in gone]


def _notes_of_split(work: Work, done: Split, note: str) -> list[Note]:
    new, old = done.reported, done.old
    told = _with_note(f"split from {old.incident_id}, occurrences: {new.occurrences}", note)
    left = _with_note(f"{new.incident_id} split off, occurrences: {new.occurrences}", note)
    notes = [
        Note(new.incident_id, work.now, "split", work.actor, told),
        Note(old.incident_id, work.now, "split", work.actor, left),
    ]
    if done.restored is not None and done.restored.restored_at is not None:
        notes.append(
            Note(
                new.incident_id, done.restored.restored_at, "restored", work.actor, _AS_SIGNALS_SAY
            )
        )
    return notes


async def _hold(work: Work, wanted: Collection[IncidentId]) -> dict[IncidentId, Held]:
    held = await incidents.hold(work, wanted)
    for incident_id in wanted:
        if incident_id not in held:
            raise UnknownIncident(str(incident_id))
    return held


def _customers_of(moved: Collection[Moved]) -> set[str]:
    """Give the customers that reported a signal; their names in labels are not kept with it."""
    reports = {
        customer_named(signal.source) for signal in moved if signal.origin is Origin.CUSTOMER
    }
    return reports - {NO_CUSTOMER}


def _with_note(told: str, note: str) -> str:
    return f"{told}: {note}" if note else told


def _not_its_own(incident_id: IncidentId, missing: Collection[tuple[str, str]]) -> Invalid:
    named = ", ".join(sorted(" ".join(one).strip() for one in missing)[:10])
    return Invalid(
        f"These are no signals of the incident: {named}." if named else "No signals are named.",
        advice=f"List its signals with GET /intake/v1/incidents/{incident_id}/signals, and name"
        " them in `signals` or `fingerprints`. Nothing was changed.",
    )
