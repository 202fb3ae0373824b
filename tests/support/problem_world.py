"""The problem service without its store: what is known, and `settle` after each piece of news."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from mejora_events.contracts.base import EventData
from mejora_events.contracts.changes import ChangeRecorded
from mejora_events.contracts.diagnoses import Diagnosis
from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.incidents import Incident
from mejora_events.contracts.problems import Problem, RootCause
from mejora_events.contracts.workarounds import Workaround, WorkaroundState
from mejora_events.ids import FixId, IncidentId, ProblemId, WorkaroundId
from mejora_problem.model.case import Case, FixCase, verdicts_move
from mejora_problem.model.fixes import Deployment
from mejora_problem.model.occurrences import (
    Fault,
    Occurrence,
    fault_of,
    hear_diagnosis,
    hear_incident,
    summarise,
)
from mejora_problem.model.opening import ByHand
from mejora_problem.model.settling import settle
from support.problems import an_id, day


@dataclass
class World:
    """One signature, and all that was heard of it; news is a call of one of the methods."""

    now: datetime = field(default_factory=lambda: day(400))
    occurrences: dict[IncidentId, Occurrence] = field(default_factory=dict)
    workarounds: dict[WorkaroundId, Workaround] = field(default_factory=dict)
    fixes: dict[FixId, FixCase] = field(default_factory=dict)
    changes: list[ChangeRecorded] = field(default_factory=list)
    by_hand: ByHand | None = None
    root_cause: RootCause | None = None
    problem: Problem | None = None
    said: list[EventData] = field(default_factory=list)

    def diagnose(self, diagnosis: Diagnosis, at: datetime) -> None:
        before = self._known(diagnosis.incident_id)
        after = hear_diagnosis(before, diagnosis, at)
        self.occurrences[diagnosis.incident_id] = after
        fault = fault_of(after)
        assert fault
        self._settle(
            (fault,) if before.finding is None else (), heard_since=fault.finding.started_at
        )

    def report(self, incident: Incident) -> None:
        after = hear_incident(self._known(incident.incident_id), incident)
        self.occurrences[incident.incident_id] = after
        fault = fault_of(after)
        if fault:
            self._settle(heard_since=fault.finding.started_at)

    def work_around(self, workaround: Workaround) -> None:
        known = self.workarounds.get(workaround.workaround_id)
        if known is None or known.version < workaround.version:
            self.workarounds[workaround.workaround_id] = workaround
        self._settle(heard_since=self.now)

    def change(self, change: ChangeRecorded) -> None:
        self.changes.append(change)
        self._settle()

    def plan(self, fix: Fix) -> None:
        self.fixes[fix.fix_id] = FixCase(fix)
        self._settle()

    def find_cause(self, root_cause: RootCause) -> None:
        self.root_cause = root_cause
        self._settle()

    def open(self, by_hand: ByHand) -> None:
        self.by_hand = by_hand
        self._settle()

    def pass_time(self, to: datetime) -> None:
        self.now = to
        self._settle()

    def state(self) -> tuple[Problem | None, list[Fix]]:
        """Give what came of it, without the versions, which count the steps."""
        problem = self.problem.model_copy(update={"version": 0}) if self.problem else None
        return problem, [one.fix.model_copy(update={"version": 0}) for one in self.fixes.values()]

    def types(self) -> list[str]:
        """Name what was said, shortly."""
        return [data.TYPE.removeprefix("mejora.").removesuffix(".v1") for data in self.said]

    def _known(self, incident_id: IncidentId) -> Occurrence:
        return self.occurrences.get(incident_id, Occurrence(incident_id=incident_id))

    def _settle(self, news: tuple[Fault, ...] = (), heard_since: datetime | None = None) -> None:
        faults = tuple(filter(None, map(fault_of, self.occurrences.values())))
        fixes = tuple(replace(one, deployments=self._deployed(one)) for one in self.fixes.values())
        case = Case(
            signature_id="refused",
            problem_id=ProblemId(an_id(50_000)),
            summary=summarise(faults),
            problem=self.problem,
            by_hand=self.by_hand,
            root_cause=self.root_cause,
            workaround_worked=any(
                one.state is not WorkaroundState.FAILED for one in self.workarounds.values()
            ),
            fixes=fixes,
            faults=faults if verdicts_move(fixes, heard_since) else None,
            news=news,
        )
        outcome = settle(case, self.now)
        self.problem = outcome.problem or self.problem
        for fix in outcome.fixes:
            self.fixes[fix.fix_id] = replace(self.fixes[fix.fix_id], fix=fix)
        self.said += [one.data for one in outcome.said]

    def _deployed(self, one: FixCase) -> frozenset[Deployment]:
        carried = (change for change in self.changes if change.version == one.fix.carried_by)
        return frozenset(Deployment(at=it.changed_at, places=it.instances) for it in carried)


Step = Callable[[World], None]
