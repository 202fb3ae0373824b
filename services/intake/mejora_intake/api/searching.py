"""Routes by which incidents are found, and the signals of one."""

import struct
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from mejora_events.contracts.base import Origin, Severity, Time
from mejora_events.contracts.incidents import IncidentState
from mejora_events.sql import Row
from mejora_intake.api.incidents import IncidentShown, shown, unknown
from mejora_intake.model import Disposition, SignalState
from mejora_intake.store.incidents import one_incident
from mejora_intake.store.search import Place, Wanted, search, signals_of
from mejora_service.errors import Invalid
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Reading, reading

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Text = Annotated[str | None, Query(min_length=1, max_length=500)]


class NoticedBy(StrEnum):
    """Who noticed first."""

    CUSTOMER = "customer"
    MONITOR = "monitor"
    """A monitor, or staff."""


class WantedQuery:
    """Which incidents a caller looks for."""

    def __init__(
        self,
        state: Annotated[
            list[IncidentState] | None, Query(max_length=10, description="any of these")
        ] = None,
        component: Text = None,
        priority: Annotated[int | None, Query(ge=1, le=5)] = None,
        owner: Text = None,
        severity: Severity | None = None,
        source: Text = None,
        customer: Annotated[
            str | None,
            Query(
                min_length=1,
                max_length=500,
                description="who reported it, or whom a label names as customer; case is ignored",
            ),
        ] = None,
        text: Annotated[
            str | None,
            Query(
                min_length=1,
                max_length=500,
                description='words of the component, summary, description or labels; `"in a row"`,'
                " `or` and `-not` are understood",
            ),
        ] = None,
        reported_from: Annotated[
            Time | None, Query(alias="from", description="reported then or later")
        ] = None,
        reported_before: Annotated[
            Time | None, Query(alias="to", description="reported before then")
        ] = None,
        noticed_by: NoticedBy | None = None,
    ) -> None:
        self.wanted = Wanted(
            states=tuple(dict.fromkeys(state or ())),
            component=component,
            priority=priority,
            owner=owner,
            severity=severity,
            source=source,
            customer=customer,
            text=text,
            reported_from=reported_from,
            reported_before=reported_before,
            by_customer=None if noticed_by is None else noticed_by is NoticedBy.CUSTOMER,
        )


class SignalOfIncident(BaseModel):
    """A signal as it was understood, what became of it and why, and the body as it came."""

    source: str
    id: str
    fingerprint: str
    component: str
    summary: str
    state: SignalState
    severity: Severity
    origin: Origin
    started_at: Time
    ended_at: Time | None
    received_at: Time
    disposition: Disposition
    rule: str
    body: str
    """JSON, exactly as it came."""


@router.get("")
async def list_incidents(
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
    wanted: Annotated[WantedQuery, Depends()],
) -> Page[IncidentShown]:
    """List incidents of which all that is given holds, newest first.

    With `from` or `to` that is by when they were reported, else by when they came here.
    """
    async with query.conn() as conn:
        found = await search(conn, wanted.wanted, after=page.after, limit=page.fetch)
    return page.of([shown(r) for r in found], id_of=lambda incident: incident.incident_id)


@router.get("/{incident_id}/signals")
async def list_signals(
    incident_id: UUID,
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
) -> Page[SignalOfIncident]:
    """List the signals of an incident that are still kept, newest first."""
    after = _place_of(page.after) if page.after else None
    async with query.conn() as conn:
        found = await signals_of(conn, incident_id, after=after, limit=page.fetch)
        if not found and await one_incident(conn, incident_id) is None:
            raise unknown(incident_id)
    cursors = [_cursor_of(r) for r in found]
    listed = page.of(cursors, id_of=lambda cursor: cursor)
    shown_ones = [_signal(r) for r in found[: len(listed.items)]]
    return Page[SignalOfIncident](items=shown_ones, next=listed.next)


def _signal(found: Row) -> SignalOfIncident:
    fields = {name: found[name] for name in SignalOfIncident.model_fields if name != "id"}
    return SignalOfIncident(id=found["signal_id"], **fields)


def _cursor_of(found: Row) -> UUID:
    """Give a signal's place in the list as a cursor: its moment, and the hash of its name."""
    microseconds = (found["received_at"] - _EPOCH) // timedelta(microseconds=1)
    return UUID(bytes=struct.pack(">qq", microseconds, found["place"]))


def _place_of(cursor: UUID) -> Place:
    microseconds, place = struct.unpack(">qq", cursor.bytes)
    try:
        return Place(_EPOCH + timedelta(microseconds=microseconds), place)
    except OverflowError as error:
        raise Invalid(
            "The cursor is one of another list.",
            advice="Take the cursor from `next` of the page before, or leave it out.",
        ) from error
