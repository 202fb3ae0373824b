"""Routes for maintenance windows and silences: declared, listed, ended."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mejora_events.contracts.base import Time
from mejora_events.ids import new_id
from mejora_events.sql import Row
from mejora_events.store import Work
from mejora_intake.api.at_work import at_work
from mejora_intake.model import NotNow
from mejora_intake.silences import Failing, Silence, SilenceKind, SilenceState, check_end
from mejora_intake.store import silences as store
from mejora_intake.store.silences import silence_of
from mejora_service.errors import Conflict, Invalid, NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, reading

router = APIRouter(prefix="/v1/silences", tags=["silences"])

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
Names = Annotated[list[Name], Field(max_length=1_000)]


class SilenceWanted(BaseModel):
    """What is to be kept from becoming incidents: all that is given must match, of a list any."""

    model_config = ConfigDict(extra="forbid")

    kind: SilenceKind = SilenceKind.SILENCE
    components: Names = []
    """As the catalogue or their monitors call them."""
    processes: Names = []
    """Business processes of the catalogue: all components that one of them stands on are meant."""
    labels: Annotated[
        dict[Name, Annotated[str, Field(max_length=10_000)]], Field(max_length=100)
    ] = {}
    """Names of labels, each with the exact value that it must have."""
    sources: Names = []
    starts_at: Time | None = None
    """Now, when it is left out; in the past for history that is imported."""
    ends_at: Time
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class SilenceApplying(BaseModel):
    """A silence that applies to something now."""

    silence_id: UUID
    kind: SilenceKind
    starts_at: Time
    ends_at: Time
    reason: str
    declared_by: str


class SilenceShown(SilenceApplying):
    """A silence, and what it has done so far."""

    state: SilenceState
    components: list[str]
    processes: list[str]
    labels: dict[str, str]
    sources: list[str]
    declared_at: Time
    ended_at: Time | None
    """When somebody ended it before its time."""
    ended_by: str | None
    suppressed: int
    """Signals that it suppressed: kept, each counted once."""
    remarks: list[str]
    """What of it can match nothing, as the catalogue is now."""


@router.post("", status_code=201)
async def declare_silence(
    wanted: SilenceWanted, command: Annotated[Command, Depends(operating)]
) -> SilenceShown:
    """Declare a maintenance window or a silence: firing signals that match change nothing in it.

    They are kept and counted; a failure that still fires when it is over opens an incident then.
    """
    if not (wanted.components or wanted.processes or wanted.labels or wanted.sources):
        raise Invalid(
            "It says nothing of what is to be silenced.",
            advice="Name `components`, `processes`, `labels` or `sources`; all given must match.",
        )

    async def do(work: Work) -> SilenceShown:
        starts_at = wanted.starts_at or work.now
        if wanted.ends_at <= starts_at:
            raise Invalid(
                "It ends before it starts.",
                advice="Give an `ends_at` after `starts_at`, which is now when it is left out.",
            )
        silence = Silence(
            silence_id=new_id(),
            kind=wanted.kind,
            components=tuple(wanted.components),
            processes=tuple(wanted.processes),
            labels=wanted.labels,
            sources=tuple(wanted.sources),
            starts_at=starts_at,
            ends_at=wanted.ends_at,
            reason=wanted.reason,
            declared_by=work.actor,
            declared_at=work.now,
        )
        return _shown(command, await store.declare(work, silence), work.now)

    return await _known_here(command, await command.run(do))


@router.get("")
async def list_silences(
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
    state: SilenceState | None = None,
) -> Page[SilenceShown]:
    """List silences, those that were declared last first."""
    now = query.clock.now()
    async with query.conn() as conn:
        found = await store.list_silences(
            conn, after=page.after, limit=page.fetch, state=state.value if state else None, now=now
        )
    return page.of([_shown(query, r, now) for r in found], id_of=lambda silence: silence.silence_id)


@router.get("/{silence_id}")
async def get_silence(
    silence_id: UUID, query: Annotated[Reading, Depends(reading)]
) -> SilenceShown:
    """Show a silence and how many signals it suppressed so far."""
    async with query.conn() as conn:
        found = await store.one_silence(conn, silence_id)
    if found is None:
        raise _unknown(silence_id)
    return _shown(query, found, query.clock.now())


@router.post("/{silence_id}/end")
async def end_silence(
    silence_id: UUID, command: Annotated[Command, Depends(operating)]
) -> SilenceShown:
    """End a silence now, before its time or before it has begun; what it did stays."""

    async def do(work: Work) -> SilenceShown:
        found = await store.hold_silence(work, silence_id)
        if found is None:
            raise _unknown(silence_id)
        try:
            check_end(silence_of(found), at=work.now)
        except NotNow as error:
            raise Conflict(
                f"It cannot be ended: {error}.",
                advice="Nothing is to be done: it applies to nothing any more.",
            ) from error
        return _shown(command, await store.end(work, silence_id), work.now)

    return await _known_here(command, await command.run(do))


def applying_to(query: Reading, failing: Failing) -> list[SilenceApplying]:
    """Show the silences that apply to something now, the one that ends last first."""
    silences = at_work(query.runtime).remembered.silences
    return [
        SilenceApplying(**{name: getattr(silence, name) for name in SilenceApplying.model_fields})
        for silence in silences.applying(failing, query.clock.now())
    ]


async def _known_here(command: Command, changed: SilenceShown) -> SilenceShown:
    """Let what is committed hold for the next signal that comes here; show it with remarks."""
    remembered = at_work(command.runtime).remembered
    await remembered.refresh_after_change()
    remarks = remembered.silences.remarks_on(changed.processes)
    return changed.model_copy(update={"remarks": remarks})


def _shown(query: Reading, found: Row, now: datetime) -> SilenceShown:
    silence = silence_of(found)
    calculated = {
        "labels": silence.labels,
        "state": silence.state_at(now),
        "remarks": at_work(query.runtime).remembered.silences.remarks_on(silence.processes),
    }
    columns = SilenceShown.model_fields.keys() - calculated.keys()
    return SilenceShown(**{name: found[name] for name in columns}, **calculated)


def _unknown(silence_id: UUID) -> NotFound:
    return NotFound(
        f"No silence has the id {silence_id}.", advice="List them with GET /intake/v1/silences."
    )
