"""What callers send and see, beside the snapshots of the contracts."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mejora_events.contracts.base import Money, Time
from mejora_events.contracts.diagnoses import Grade, ScopeKind
from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.problems import CauseBranch, CauseClass, Problem, Why
from mejora_events.contracts.workarounds import Workaround
from mejora_events.ids import IncidentId
from mejora_problem.model.escalation import Escalation
from mejora_problem.model.patches import KnownWorkaround, LedgerEntry

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class Body(BaseModel):
    """A command's body; a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ProblemByHand(Body):
    """A problem that a person opens before the rules do."""

    title: Words
    component: Name
    signature_id: Name | None = None
    """Of which fault; incidents of it become the problem's own."""
    incident_id: IncidentId | None = None
    """An incident of that fault, instead of its signature."""
    owner: Name | None = None
    priority: Grade = 3
    opened_at: Time | None = None
    """Now, if it is left out."""


class RootCauseFound(Body):
    """Why it failed, as structure."""

    statement: Words
    cause_class: CauseClass
    five_whys: Annotated[tuple[Why, ...], Field(max_length=20)] = ()
    cause_and_effect: Annotated[tuple[CauseBranch, ...], Field(max_length=20)] = ()
    failure_point: Name | None = None
    """The component where the failure turned out to begin."""
    scope: Literal[ScopeKind.BOUNDED, ScopeKind.GENERALISED] | None = None
    """How far the failure turned out to reach."""
    established_at: Time | None = None
    """Now, if it is left out."""


class ActionPlanned(Body):
    """A step of the plan."""

    description: Words
    owner: Name
    due_at: Time


class ActionDone(Body):
    """That a step is done."""

    done_at: Time | None = None
    """Now, if it is left out."""


class FixPlan(Body):
    """A permanent fix that somebody promises."""

    description: Words
    carried_by: Name
    """The version or change that will carry it: it is deployed when that change is recorded."""
    component: Name | None = None
    """What will be changed; the problem's component, if it is left out."""
    owner: Name | None = None
    """The problem's owner, if it is left out."""
    estimated_cost: Money | None = None
    due_at: Time | None = None
    planned_at: Time | None = None
    """Now, if it is left out."""


class FixDeployedByHand(Body):
    """That a fix is in place, said by somebody."""

    deployed_at: Time | None = None
    """Now, if it is left out; may lie in the past."""
    deployed_to: Annotated[tuple[Name, ...], Field(max_length=10_000)] = ()
    """Components, hosts, regions ... where it is in place; empty means everywhere."""


class ProblemDetail(Problem):
    """A problem with all that belongs to it."""

    fixes: tuple[Fix, ...]
    workarounds: tuple[Workaround, ...]
    latest_incidents: tuple[IncidentId, ...]
    """The incidents that were reported last, at most 100."""
    escalations: tuple[Escalation, ...]
    debt: LedgerEntry | None
    """Empty when it lives on no workaround."""


class KnownErrorView(Problem):
    """A known error with the workarounds that were tried, the best first."""

    workarounds: tuple[KnownWorkaround, ...]
