"""What only people know: put to the owner, answered or declared unknowable."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from mejora_events.contracts.diagnoses import OpenQuestion

WHO_OWNS = "who_owns"
_ALWAYS: Mapping[str, str] = {
    "what_happened": "What happened?",
    "how": "How did it happen?",
    "who_else": "Who else is affected?",
    "what_changed": "What was changed just before?",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says to one question, named by its key or its wording."""

    question: str
    answer: str | None
    """Empty when it cannot be known."""


class NoSuchQuestion(LookupError):
    """An answer was given to what was not asked."""


@lru_cache(maxsize=4_096)
def ask(component: str, owner: str | None, unowned_to: str) -> tuple[OpenQuestion, ...]:
    """Give the questions of a new diagnosis; without an owner they go to `unowned_to`."""
    put_to = owner or unowned_to
    questions = [
        OpenQuestion(key=key, question=question, put_to=put_to) for key, question in _ALWAYS.items()
    ]
    if owner is None:
        asked = f"Which role answers for {component}?"
        questions.append(OpenQuestion(key=WHO_OWNS, question=asked, put_to=put_to, about=component))
    return tuple(questions)


def put_to(questions: Iterable[OpenQuestion], owner: str) -> tuple[OpenQuestion, ...]:
    """Put the questions that are still open to another owner."""
    return tuple(it.model_copy(update={"put_to": owner}) if is_open(it) else it for it in questions)


def take_answers(
    questions: Sequence[OpenQuestion], answers: Iterable[Answer], by: str, at: datetime
) -> tuple[OpenQuestion, ...]:
    """Note answers; a later answer to the same question takes the place of the former.

    Raises NoSuchQuestion.
    """
    noted = {it.key or it.question: it for it in questions}
    wordings = {it.question: key for key, it in noted.items()}
    for given in answers:
        key = wordings.get(given.question, given.question)
        if key not in noted:
            raise NoSuchQuestion(given.question)
        noted[key] = noted[key].model_copy(
            update={
                "answer": given.answer,
                "unknowable": given.answer is None,
                "answered_by": by,
                "answered_at": at,
            }
        )
    return tuple(noted.values())


def completed_at(questions: Iterable[OpenQuestion]) -> datetime | None:
    """Tell when the last question was settled; None while one is open."""
    settled = [None if is_open(it) else it.answered_at for it in questions]
    times = [time for time in settled if time is not None]
    return max(times) if len(times) == len(settled) and times else None


def is_open(question: OpenQuestion) -> bool:
    """Tell whether a question is neither answered nor declared unknowable."""
    return question.answer is None and not question.unknowable
