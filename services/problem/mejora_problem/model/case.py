"""All that is known of a signature, and what is to be written and said when it has changed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from mejora_events.contracts.base import EventData
from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.problems import Action, Problem, RootCause
from mejora_events.ids import ProblemId
from mejora_problem.model.escalation import Escalation
from mejora_problem.model.fixes import Deployment
from mejora_problem.model.occurrences import Fault, Summary
from mejora_problem.model.opening import ByHand


@dataclass(frozen=True, slots=True)
class FixCase:
    """A fix as it was last written (version 0: planned just now), and its deployments."""

    fix: Fix
    deployments: frozenset[Deployment] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of a signature."""

    signature_id: str
    problem_id: ProblemId
    """The id that its problem has, or would get."""
    summary: Summary = field(default_factory=Summary)
    problem: Problem | None = None
    """The problem as it was last written."""
    by_hand: ByHand | None = None
    root_cause: RootCause | None = None
    actions: tuple[Action, ...] = ()
    workaround_worked: bool = False
    fixes: tuple[FixCase, ...] = ()
    faults: tuple[Fault, ...] | None = None
    """All incidents of the signature; None where no verdict can have changed (`verdicts_move`)."""
    news: tuple[Fault, ...] = ()
    """The incidents that were not known before."""
    escalations: tuple[Escalation, ...] = ()
    """The steps that are taken now."""


@dataclass(frozen=True, slots=True)
class Said:
    """An event to be emitted, and when what it says happened."""

    data: EventData
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written, where it differs from what was; and the events that say so."""

    problem: Problem | None = None
    fixes: tuple[Fix, ...] = ()
    said: tuple[Said, ...] = ()


def verdicts_move(fixes: Iterable[FixCase], heard_since: datetime | None) -> bool:
    """Tell whether a verdict can change by what was heard of incidents that began then or later.

    None: anything may have changed. What happens after a fix regressed does not change that it did,
    so that a fault that goes on after a failed fix costs no look at its whole history each time.
    """
    return any(
        one.deployments
        and (
            one.fix.regressed_at is None
            or heard_since is None
            or heard_since <= one.fix.regressed_at
        )
        for one in fixes
    )
