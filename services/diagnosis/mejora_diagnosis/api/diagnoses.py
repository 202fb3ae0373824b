"""Diagnoses over HTTP, and the answers that only people know."""

from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, model_validator

from mejora_diagnosis.api.answering import Answers, give_answers, no_such_diagnosis
from mejora_diagnosis.api.bodies import Text
from mejora_diagnosis.model.grading import Teller, Truth
from mejora_diagnosis.reactions.grading import grade_held
from mejora_diagnosis.store import catalogue, diagnoses, truths
from mejora_events.contracts.base import Time
from mejora_events.contracts.diagnoses import Diagnosis, ScopeKind
from mejora_events.store import Work
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, reading

router = APIRouter(tags=["diagnoses"])


class ToldTruth(BaseModel):
    """What turned out to be true of an incident; what is left out stays as it was said before."""

    model_config = ConfigDict(extra="forbid")

    failure_point: Text | None = None
    """The component where it really began."""
    scope: Literal[ScopeKind.BOUNDED, ScopeKind.GENERALISED] | None = None
    same_fault: bool | None = None
    """Whether the incidents of its signature really are one fault, and all of it."""
    told_by: Text | None = None
    """The role that says so; whose key it is, unless said otherwise."""
    told_at: Time | None = None
    """When it was found out; now, unless said otherwise."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.failure_point is None and self.scope is None and self.same_fault is None:
            raise ValueError("say at least one of failure_point, scope and same_fault")
        return self


@router.get("/v1/diagnoses")
async def list_diagnoses(
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
    incident_id: Annotated[UUID | None, Query()] = None,
    signature_id: Annotated[str | None, Query()] = None,
    owner: Annotated[str | None, Query()] = None,
    complete: Annotated[bool | None, Query()] = None,
) -> Page[Diagnosis]:
    """List diagnoses, the newest first; those that wait for answers with `complete=false`."""
    async with query.conn() as conn:
        found = await diagnoses.listed(
            conn,
            after=page.after,
            limit=page.fetch,
            incident_id=incident_id,
            signature_id=signature_id,
            owner=owner,
            complete=complete,
        )
    return page.of(found, id_of=lambda diagnosis: diagnosis.diagnosis_id)


@router.get("/v1/diagnoses/{diagnosis_id}")
async def get_diagnosis(
    diagnosis_id: UUID, query: Annotated[Reading, Depends(reading)]
) -> Diagnosis:
    """Give a diagnosis as it stands."""
    async with query.conn() as conn:
        found = await diagnoses.find(conn, diagnosis_id)
    if found is None:
        raise no_such_diagnosis(diagnosis_id)
    return found


@router.post("/v1/diagnoses/{diagnosis_id}/answers")
async def answer(
    diagnosis_id: UUID, given: Answers, command: Annotated[Command, Depends(operating)]
) -> Diagnosis:
    """Answer open questions; with the last one settled the diagnosis is complete."""
    return await give_answers(command, diagnosis_id, given)


@router.post("/v1/diagnoses/{diagnosis_id}/truth")
async def tell_truth(
    diagnosis_id: UUID, told: ToldTruth, command: Annotated[Command, Depends(operating)]
) -> Diagnosis:
    """Say what turned out to be true: failure point, scope and signature are marked by it."""

    async def note(work: Work) -> Diagnosis:
        known = await catalogue.take_turn(work)
        diagnosis = await diagnoses.find_and_hold(work.conn, diagnosis_id)
        if diagnosis is None:
            raise no_such_diagnosis(diagnosis_id)
        told_by, told_at = told.told_by or work.actor, told.told_at or work.now
        truth = Truth(
            Teller.PERSON, told_by, told_at, told.failure_point, told.scope, told.same_fault
        )
        await truths.tell(work.conn, diagnosis.incident_id, truth, told_by)
        graded = await grade_held(work, [diagnosis], known.catalogue, at=told_at)
        return graded[0] if graded else diagnosis

    return await command.run(note)
