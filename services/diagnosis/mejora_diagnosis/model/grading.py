"""What turned out to be true, held against what a diagnosis says.

A diagnosis is graded as it stands: what data answered by then, late incidents of the cascade
included. Of several who say what is true, who looked at the very incident comes first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TypeVar

from mejora_events.contracts.diagnoses import Diagnosis, Evidence, Grading, Mark, ScopeKind

ValueT = TypeVar("ValueT")

WHERE_REALLY = "Where did it really begin?"
HOW_FAR_REALLY = "Was it really bounded or generalised?"
SAME_REALLY = "Was it really the same fault?"


class Teller(IntEnum):
    """Who says what is true, in the order in which they are believed."""

    PERSON = 1
    """Somebody who looked at this incident."""
    REGROUPING = 2
    """It was merged into another incident, or split off it: that speaks of signatures only."""
    ROOT_CAUSE = 3
    """The root cause of its fault, for incidents reported until it was established."""
    FIX = 4
    """A permanent fix of its fault that was verified: where it was made, the failure began."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What one of them says; None where it says nothing."""

    teller: Teller
    because: str
    at: datetime
    failure_point: str | None = None
    """By the name that the catalogue has for it."""
    scope: ScopeKind | None = None
    same_fault: bool | None = None
    """Whether the incident's signature is that of its fault."""


def grade(diagnosis: Diagnosis, truths: Iterable[Truth]) -> Grading | None:
    """Mark the failure point, scope and signature of a diagnosis as right or wrong.

    None when nothing is known to be true. An unknown scope says nothing and so is never wrong.
    """
    believed = sorted(truths, key=lambda it: (it.teller, -it.at.timestamp()))
    place = _first(believed, [it.failure_point for it in believed])
    scope = _first(believed, [it.scope for it in believed])
    same = _first(believed, [it.same_fault for it in believed])
    found = [it for it in (place, scope, same) if it is not None]
    if not found:
        return None
    because = [
        Evidence(question=question, answer=answer, because=told[1].because)
        for question, answer, told in (
            (WHERE_REALLY, place and place[0], place),
            (HOW_FAR_REALLY, scope and scope[0], scope),
            (SAME_REALLY, same and ("yes" if same[0] else "no"), same),
        )
        if answer and told
    ]
    return mark(
        diagnosis,
        Grading(
            true_failure_point=place[0] if place else None,
            true_scope=scope[0] if scope else None,
            signature=_mark(same[0]) if same else None,
            because=tuple(because),
            graded_at=max(it.at for _, it in found),
        ),
    )


def mark(diagnosis: Diagnosis, grading: Grading) -> Grading:
    """Mark a diagnosis by what is known to be true, also when it says something else by now."""
    said, true_scope = diagnosis.scope.kind, grading.true_scope
    place = grading.true_failure_point
    return grading.model_copy(
        update={
            "failure_point": _mark(diagnosis.failure_point.component == place) if place else None,
            "scope": (
                _mark(said is true_scope) if true_scope and said is not ScopeKind.UNKNOWN else None
            ),
        }
    )


def _first(truths: Sequence[Truth], said: Sequence[ValueT | None]) -> tuple[ValueT, Truth] | None:
    """Give what the first of them says that says anything."""
    return next(
        ((it, truth) for truth, it in zip(truths, said, strict=True) if it is not None), None
    )


def _mark(right: bool) -> Mark:
    return Mark.RIGHT if right else Mark.WRONG
