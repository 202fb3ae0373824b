"""Routes by which who reported something asks how it goes: a customer's key sees its own."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from mejora_events.contracts.base import Channel, Time
from mejora_events.contracts.incidents import IncidentState
from mejora_events.sql import Row
from mejora_intake.store.customers import concerns
from mejora_intake.store.incidents import incident_of, one_incident
from mejora_intake.store.search import Wanted, search
from mejora_service.errors import NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Reading, customer_reading

router = APIRouter(prefix="/v1/reports", tags=["signals"])


class HowItGoes(BaseModel):
    """How an incident goes, as those may know whom it concerns; others' words are not in it."""

    incident_id: UUID
    state: IncidentState
    component: str
    started_at: Time
    reported_at: Time
    acknowledged_at: Time | None
    """Since when somebody is on it."""
    restored_at: Time | None
    channel: Channel | None
    closed_at: Time | None
    merged_into: UUID | None
    """The incident that goes on in its place."""


@router.get("")
async def list_reported(
    query: Annotated[Reading, Depends(customer_reading)], page: Annotated[PageQuery, Depends()]
) -> Page[HowItGoes]:
    """List the incidents that concern the key's customer, newest first; without one, all."""
    wanted = Wanted(customer=query.customer)
    async with query.conn() as conn:
        found = await search(conn, wanted, after=page.after, limit=page.fetch)
    return page.of([_shown(r) for r in found], id_of=lambda one: one.incident_id)


@router.get("/{incident_id}")
async def get_reported(
    incident_id: UUID, query: Annotated[Reading, Depends(customer_reading)]
) -> HowItGoes:
    """Tell how an incident goes, by the number that was given to who reported it."""
    customer = query.customer
    async with query.conn() as conn:
        found = await one_incident(conn, incident_id)
        may_know = customer is None or await concerns(conn, incident_id, customer)
    if found is None or not may_know:
        raise NotFound(
            f"Nothing that you reported has the number {incident_id}.",
            advice="List what you reported with GET /intake/v1/reports.",
        )
    return _shown(found)


def _shown(found: Row) -> HowItGoes:
    return HowItGoes(**incident_of(found).model_dump(include=set(HowItGoes.model_fields)))
