"""Answering what only people know: one command, over HTTP and from the pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mejora_diagnosis.api.bodies import Text
from mejora_diagnosis.model.diagnose import Revision, note_answers
from mejora_diagnosis.model.questions import WHO_OWNS, Answer, NoSuchQuestion, is_open
from mejora_diagnosis.store import catalogue, diagnoses
from mejora_events.contracts.base import Time
from mejora_events.contracts.catalogue import CatalogueEntityChanged
from mejora_events.contracts.diagnoses import Diagnosis, DiagnosisRevised
from mejora_events.store import Work
from mejora_service.errors import Invalid, NotFound
from mejora_service.web import Command

MOST_TOLD = 500
"""Other diagnoses that are told at once who owns their component, the newest first."""


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


def no_such_diagnosis(diagnosis_id: UUID) -> NotFound:
    """Say that there is none."""
    return NotFound(
        f"No diagnosis has the id {diagnosis_id}.",
        advice="List them with GET /diagnosis/v1/diagnoses, by incident_id if you have that.",
    )


async def give_answers(command: Command, diagnosis_id: UUID, given: Answers) -> Diagnosis:
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
        by, at = given.answered_by or work.actor, given.answered_at or work.now
        try:
            revision = note_answers(diagnosis, answers, by, at)
        except NoSuchQuestion as error:
            raise _no_such_question(error, diagnosis) from error
        await _keep(work, [revision], at)
        if owner is not None:
            await _note_owner(work, *owner, by, at)
        return revision.diagnosis

    return await command.run(note)


async def _keep(work: Work, revisions: Sequence[Revision], at: datetime) -> None:
    await diagnoses.update(work.conn, [it.diagnosis for it in revisions])
    for it in revisions:
        work.emit(
            DiagnosisRevised(diagnosis=it.diagnosis, revised=it.revised, revised_at=at),
            at=at,
            correlation=it.diagnosis.incident_id,
        )


def _owner_in(answers: Sequence[Answer], diagnosis: Diagnosis) -> tuple[str, str] | None:
    """Find in the answers who owns which component, if that was asked and said."""
    asked = next((it for it in diagnosis.open_questions if it.key == WHO_OWNS), None)
    if asked is None:
        return None
    about = asked.about or diagnosis.failure_point.component
    names = {WHO_OWNS, asked.question}
    said = [(about, it.answer) for it in answers if it.question in names and it.answer]
    return said[-1] if said else None


async def _note_owner(work: Work, component: str, owner: str, by: str, at: datetime) -> None:
    """Let the catalogue know who owns an unlisted component, and whoever else asks that."""
    owned = await catalogue.give_owner(work, component, owner)
    if owned is None:
        return
    entity, version = owned
    work.emit(CatalogueEntityChanged(entity=entity, version=version, changed_at=work.now))
    asking = [
        it
        for it in await diagnoses.hold_unowned(work.conn, component, MOST_TOLD)
        if any(q.key == WHO_OWNS and q.about == component and is_open(q) for q in it.open_questions)
    ]
    said = [Answer(WHO_OWNS, owner)]
    await _keep(work, [note_answers(it, said, by, at) for it in asking], at)


def _no_such_question(error: NoSuchQuestion, diagnosis: Diagnosis) -> Invalid:
    asked = ", ".join(it.key or it.question for it in diagnosis.open_questions)
    return Invalid(f"This diagnosis does not ask {str(error)!r}.", advice=f"It asks {asked}.")
