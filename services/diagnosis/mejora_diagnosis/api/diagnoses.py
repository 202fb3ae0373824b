"""Diagnoses over HTTP, and the answers that only people know."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mejora_diagnosis.api.bodies import Text
from mejora_diagnosis.model.diagnose import note_answers
from mejora_diagnosis.model.grading import Teller, Truth
from mejora_diagnosis.model.questions import WHO_OWNS, Answer, NoSuchQuestion
from mejora_diagnosis.reactions.grading import grade_held
from mejora_diagnosis.store import catalogue, diagnoses, truths
from mejora_events.contracts.base import Time
from mejora_events.contracts.catalogue import CatalogueEntityChanged
from mejora_events.contracts.diagnoses import Diagnosis, DiagnosisRevised, ScopeKind
from mejora_events.store import Work
from mejora_service.errors import Invalid, NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, operating, reading

router = APIRouter(tags=["diagnoses"])


class GivenAnswer(BaseModel):
    """An answer to one open question, or that it cannot be known."""

    model_config = ConfigDict(extra="forbid")

    question: Text
    """Its key, such as `what_happened`, or its wording."""
    answer: Text | None = None
    unknowable: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.answer is not None) == self.unknowable:
            raise ValueError("give either an answer or `unknowable: true`")
        return self


class Answers(BaseModel):
    """Answers to open questions."""

    model_config = ConfigDict(extra="forbid")

    answers: Annotated[tuple[GivenAnswer, ...], Field(min_length=1)]
    answered_by: Text | None = None
    """The role that says so; whose key it is, unless said otherwise."""
    answered_at: Time | None = None
    """When that was; now, unless said otherwise."""


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


def no_such_diagnosis(diagnosis_id: UUID) -> NotFound:
    """Say that there is none."""
    return NotFound(
        f"No diagnosis has the id {diagnosis_id}.",
        advice="List them with GET /diagnosis/v1/diagnoses, by incident_id if you have that.",
    )


@router.get("/v1/diagnoses")
async def list_diagnoses(
    query: Annotated[Reading, Depends(reading)],
    page: Annotated[PageQuery, Depends()],
    incident_id: Annotated[UUID | None, Query()] = None,
    signature_id: Annotated[str | None, Query()] = None,
) -> Page[Diagnosis]:
    """List diagnoses, the newest first."""
    async with query.conn() as conn:
        found = await diagnoses.listed(
            conn,
            after=page.after,
            limit=page.fetch,
            incident_id=incident_id,
            signature_id=signature_id,
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
    answers = [Answer(it.question, it.answer) for it in given.answers]

    async def note(work: Work) -> Diagnosis:
        diagnosis = await diagnoses.find(work.conn, diagnosis_id)
        if diagnosis is None:
            raise no_such_diagnosis(diagnosis_id)
        owner = _owner_in(answers, diagnosis)
        if owner is not None:  # that is the catalogue's, whose turn comes before the diagnosis
            await catalogue.take_turn(work)
        diagnosis = await diagnoses.find_and_hold(work.conn, diagnosis_id) or diagnosis
        at = given.answered_at or work.now
        try:
            revision = note_answers(diagnosis, answers, given.answered_by or work.actor, at)
        except NoSuchQuestion as error:
            raise _no_such_question(error, diagnosis) from error
        await diagnoses.update(work.conn, [revision.diagnosis])
        work.emit(
            DiagnosisRevised(diagnosis=revision.diagnosis, revised=revision.revised, revised_at=at),
            at=at,
            correlation=diagnosis.incident_id,
        )
        if owner is not None:
            await _note_owner(work, diagnosis.failure_point.component, owner)
        return revision.diagnosis

    return await command.run(note)


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


def _owner_in(answers: Sequence[Answer], diagnosis: Diagnosis) -> str | None:
    """Find in the answers who owns the component, if that was asked and said."""
    asked = {it.key: it.question for it in diagnosis.open_questions}
    names = {WHO_OWNS, asked.get(WHO_OWNS)}
    return next((it.answer for it in answers if it.question in names and it.answer), None)


async def _note_owner(work: Work, component: str, owner: str) -> None:
    """Let the catalogue know who owns an unlisted component."""
    owned = await catalogue.give_owner(work, component, owner)
    if owned is not None:
        entity, version = owned
        work.emit(CatalogueEntityChanged(entity=entity, version=version, changed_at=work.now))


def _no_such_question(error: NoSuchQuestion, diagnosis: Diagnosis) -> Invalid:
    asked = ", ".join(it.key or it.question for it in diagnosis.open_questions)
    return Invalid(f"This diagnosis does not ask {str(error)!r}.", advice=f"It asks {asked}.")
