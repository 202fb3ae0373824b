"""A diagnosis' page: every answer with what it rests on, and the questions with their forms."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_diagnosis.api.answering import Answers, GivenAnswer, give_answers
from mejora_diagnosis.api.pages.listing import MOST_ROLES
from mejora_diagnosis.api.pages.rendering import elsewhere, page
from mejora_diagnosis.api.pages.signing_in import (
    Form,
    SignedIn,
    commanding,
    filled_in,
    signed_in,
    to_sign_in,
)
from mejora_diagnosis.model import evidence
from mejora_diagnosis.model.questions import is_open
from mejora_diagnosis.store import catalogue, diagnoses, incidents, workarounds
from mejora_events.contracts.catalogue import Component, OwnerRole
from mejora_events.contracts.diagnoses import Diagnosis, Evidence, OpenQuestion
from mejora_events.contracts.workarounds import Workaround
from mejora_events.ids import IncidentId
from mejora_service.errors import Forbidden, Invalid
from mejora_service.web import connection, runtime_of

router = APIRouter()

_MOST_WORKAROUNDS = 20
LONGEST_ANSWER, LONGEST_ROLE = 10_000, 500
"""Characters of an answer, and of the role that gives it."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a diagnosis' page shows beside the diagnosis."""

    restored_at: datetime | None
    cascade: dict[IncidentId, Diagnosis]
    """The other incidents of the cascade, as far as they were diagnosed."""
    workarounds: list[Workaround]
    start: Component | None
    """The failure point, as the catalogue of that day describes it."""
    owner: OwnerRole | None
    roles: list[str]


@dataclass(frozen=True, slots=True)
class Mend:
    """An answer that was not taken: what was said, and why not."""

    question: str
    why: str
    answer: str = ""
    answered_by: str = ""
    seen: str = ""
    """When the answer was given in whose place this one would be, as its writer has seen it."""


class NotTaken(Exception):
    """An answer cannot be taken as it is."""

    def __init__(self, mend: Mend) -> None:
        super().__init__(mend.why)
        self.mend = mend


@router.get("/diagnoses/{diagnosis_id}")
async def show_diagnosis(request: Request, diagnosis_id: UUID, noted: str = "") -> Response:
    """Show a diagnosis as it stands."""
    who = await signed_in(request)
    if who is None:
        return to_sign_in(request)
    return await _shown(request, who, diagnosis_id, noted=noted)


@router.post("/diagnoses/{diagnosis_id}/answers")
async def post_answer(request: Request, diagnosis_id: UUID) -> Response:
    """Take the answer to a question, or that it cannot be known, as the route for JSON does."""
    who = await signed_in(request)
    form = await filled_in(request)
    if who is None:
        to, kept = f"/diagnoses/{diagnosis_id}", form["answer"]
        status = HTTPStatus.UNAUTHORIZED
        return page(request, "sign_in", status, to=to, mend=None, kept=kept, who=None)
    try:
        command = commanding(request, who, form)
        async with command.conn() as conn:
            diagnosis = await diagnoses.find(conn, diagnosis_id)
        if diagnosis is None:
            return _missing(request, who)
        await give_answers(command, diagnosis_id, _answers(form, diagnosis))
    except (NotTaken, Forbidden, Invalid) as error:
        mend = (
            error.mend
            if isinstance(error, NotTaken)
            else _mend(form, f"{error.detail} {error.advice}", form["seen"])
        )
        status = getattr(error, "status", HTTPStatus.UNPROCESSABLE_ENTITY)
        return await _shown(request, who, diagnosis_id, mend=mend, status=status)
    noted = quote(form["question"])
    return elsewhere(request, f"/diagnoses/{diagnosis_id}?noted={noted}#questions")


def _answers(form: Form, diagnosis: Diagnosis) -> Answers:
    """Give what a form answers; raises NotTaken."""
    asked = next((it for it in diagnosis.open_questions if name_of(it) == form["question"]), None)
    if asked is None:
        raise NotTaken(_mend(form, "This diagnosis does not ask that. Open its page anew.", ""))
    seen, text = seen_of(asked), form["answer"]
    if form["seen"] != seen:
        told = f"“{asked.answer}”" if asked.answer is not None else "that it cannot be known"
        why = f"Meanwhile {asked.answered_by} said {told}. Send yours to put it in its place."
        raise NotTaken(_mend(form, why, seen))
    unknowable = form["do"] == "unknowable"
    if unknowable and text:
        why = "You wrote an answer: save it, or empty it if it cannot be known."
        raise NotTaken(_mend(form, why, seen))
    if not unknowable and not text:
        why = "Write an answer first, or say that it cannot be known."
        raise NotTaken(_mend(form, why, seen))
    if len(text) > LONGEST_ANSWER or len(form["answered_by"]) > LONGEST_ROLE:
        why = f"Say it in {LONGEST_ANSWER:,} characters, the role in {LONGEST_ROLE}."
        raise NotTaken(_mend(form, why, seen))
    given = GivenAnswer(
        question=form["question"], answer=None if unknowable else text, unknowable=unknowable
    )
    return Answers(answers=(given,), answered_by=form["answered_by"] or None)


def _mend(form: Form, why: str, seen: str) -> Mend:
    return Mend(form["question"], why, form["answer"], form["answered_by"], seen)


def name_of(question: OpenQuestion) -> str:
    """Name a question as forms do."""
    return question.key or question.question


def seen_of(question: OpenQuestion) -> str:
    """Name the answer that a question has, so that a form can say which one it has seen."""
    return question.answered_at.isoformat() if question.answered_at else ""


def _missing(request: Request, who: SignedIn) -> Response:
    return page(request, "missing", HTTPStatus.NOT_FOUND, who=who)


async def _shown(
    request: Request,
    who: SignedIn,
    diagnosis_id: UUID,
    *,
    noted: str = "",
    mend: Mend | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    runtime = runtime_of(request)
    async with connection(runtime) as conn:
        diagnosis = await diagnoses.find(conn, diagnosis_id)
        if diagnosis is None:
            return _missing(request, who)
        around = await _look_around(conn, diagnosis)
    said: dict[str, list[Evidence]] = {}
    for it in diagnosis.evidence:
        said.setdefault(it.question, []).append(it)
    return page(
        request,
        "diagnosis",
        status,
        who=who,
        it=diagnosis,
        around=around,
        said=said,
        ask=evidence,
        questions=diagnosis.open_questions,
        open_questions=[it for it in diagnosis.open_questions if is_open(it)],
        name_of=name_of,
        seen_of=seen_of,
        noted=noted,
        mend=mend,
        longest_answer=LONGEST_ANSWER,
        longest_role=LONGEST_ROLE,
        now=runtime.clock.now(),
    )


async def _look_around(conn: AsyncConnection, diagnosis: Diagnosis) -> Around:
    start, owner = diagnosis.failure_point.component, diagnosis.owner
    version = diagnosis.catalogue_version or (await catalogue.in_force(conn)).version
    keys = [("component", start), *([("role", owner)] if owner else [])]
    described = await catalogue.named(conn, version, keys)
    component, role = described.get(("component", start)), described.get(("role", owner or ""))
    return Around(
        restored_at=await incidents.restored_at(conn, diagnosis.incident_id),
        cascade=await diagnoses.of_incidents(conn, diagnosis.failure_point.cascade),
        workarounds=await workarounds.listed(
            conn,
            after=None,
            limit=_MOST_WORKAROUNDS,
            incident_id=diagnosis.incident_id,
            signature_id=None,
            state=None,
        ),
        start=component if isinstance(component, Component) else None,
        owner=role if isinstance(role, OwnerRole) else None,
        roles=await catalogue.roles(conn, MOST_ROLES),
    )
