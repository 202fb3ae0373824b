"""A permanent fix: where it is in place, how long it is observed, and the verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from mejora_events.contracts.base import Time, Value
from mejora_events.contracts.fixes import Fix, FixState, Proof
from mejora_events.ids import IncidentId
from mejora_problem.model.occurrences import Fault
from mejora_problem.model.proof import LEVEL, episodes, observation_window, p_value


class Deployment(Value):
    """A fix was put in place, as a recorded change or a person says."""

    at: Time
    places: tuple[str, ...] = ()
    """Components, hosts, regions ...; empty means everywhere."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a rollout had come, from a moment on."""

    since: datetime
    places: frozenset[str] = frozenset()
    """Empty means everywhere."""

    def covers(self, fault: Fault) -> bool:
        """Tell whether the fault happened at a place where the fix is, or was to be, in place."""
        return not self.places or not self.places.isdisjoint(fault.places)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of a deployed fix at a moment."""

    state: FixState
    stage: Stage
    observe_until: datetime | None = None
    proof: Proof | None = None
    verified_at: datetime | None = None
    regressed_at: datetime | None = None
    regressed_by: IncidentId | None = None

    def applied_to(self, fix: Fix) -> Fix:
        """Write the judgement into the fix."""
        return fix.model_copy(
            update={
                "state": self.state,
                "deployed_at": self.stage.since,
                "deployed_to": tuple(sorted(self.stage.places)),
                "observe_until": self.observe_until,
                "proof": self.proof,
                "verified_at": self.verified_at,
                "regressed_at": self.regressed_at,
            }
        )


def rollout(deployments: Iterable[Deployment]) -> list[Stage]:
    """Put deployments in order; one that adds no place is no stage of its own."""
    stages: list[Stage] = []
    for one in sorted(deployments, key=lambda one: (one.at, one.places)):
        last = stages[-1] if stages else None
        if last is None:
            stages.append(Stage(one.at, frozenset(one.places)))
        elif last.places and not (one.places and last.places.issuperset(one.places)):
            if last.since == one.at:
                stages.pop()
            places = last.places.union(one.places) if one.places else frozenset[str]()
            stages.append(Stage(one.at, places))
    return stages


def verdict(
    deployments: Iterable[Deployment], faults: Sequence[Fault], now: datetime
) -> Judgement | None:
    """Judge a fix by all incidents of its signature; None while it is not deployed.

    While a rollout goes on, each new stage begins the observation anew, unless the stage before
    already ended in `verified` or `regressed`. Incidents before are counted at the same places as
    those after, or else a fix on one host of ten would look ten times better than it is.
    """
    stages = rollout(deployments)
    ends_at = [stage.since for stage in stages[1:]]
    judgement = None
    for stage, ends in zip_longest(stages, ends_at):
        known = [fault for fault in faults if ends is None or fault.finding.started_at < ends]
        judgement = _judge(stage, known, min(now, ends) if ends else now)
        if judgement.state in (FixState.VERIFIED, FixState.REGRESSED):
            later = _judge(stage, faults, now)
            return later if later.regressed_at else judgement
    return judgement


def _judge(stage: Stage, faults: Sequence[Fault], now: datetime) -> Judgement:
    """Judge one stage.

    A recurrence makes the fix `regressed` when the rate cannot be significantly lower any more by
    the end of the window, or is not significantly lower on that day if the window is over. Without
    that, the end of the window makes it `verified`.
    """
    test = _Test.at(stage, [fault for fault in faults if stage.covers(fault)])
    until = stage.since + test.window if test.window else None
    verified = until if until and now >= until else None
    for count, fault in enumerate(test.after, 1):
        horizon = max(fault.finding.started_at, until or fault.finding.started_at)
        if test.p(count, horizon) > LEVEL:
            came_at = fault.finding.started_at
            return Judgement(
                FixState.REGRESSED,
                stage,
                until,
                test.proof(came_at, "it came back"),
                verified if until and came_at > until else None,
                came_at,
                fault.incident_id,
            )
    if verified:
        return Judgement(
            FixState.VERIFIED, stage, until, test.proof(verified, "the window is over"), verified
        )
    if until:
        return Judgement(FixState.OBSERVED, stage, until)
    return Judgement(FixState.HELD_SO_FAR, stage, proof=test.held())


@dataclass(frozen=True, slots=True)
class _Test:
    """The figures of the test for one stage; `after` holds the first incident of each episode."""

    stage: Stage
    before: int
    exposure_before: timedelta
    after: tuple[Fault, ...]

    @classmethod
    def at(cls, stage: Stage, faults: Sequence[Fault]) -> "_Test":
        before = episodes(fault for fault in faults if fault.finding.started_at < stage.since)
        since = [fault for fault in faults if fault.finding.started_at >= stage.since]
        starts = episodes(since)
        first: dict[datetime, Fault] = {}
        for fault in sorted(since, key=lambda fault: (fault.finding.started_at, fault.incident_id)):
            first.setdefault(fault.finding.started_at, fault)
        return cls(
            stage,
            before=max(len(before) - 1, 0),
            exposure_before=stage.since - before[0] if before else timedelta(0),
            after=tuple(first[start] for start in starts),
        )

    @property
    def window(self) -> timedelta | None:
        return observation_window(self.before, self.exposure_before)

    def p(self, after: int, at: datetime) -> float:
        exposure_after = (at - self.stage.since).total_seconds()
        return p_value(self.before, self.exposure_before.total_seconds(), after, exposure_after)

    def proof(self, at: datetime, why: str) -> Proof:
        after = sum(fault.finding.started_at <= at for fault in self.after)
        since = (at - self.stage.since).total_seconds()
        return _proof(why, self.before, self.exposure_before.total_seconds(), after, since, at)

    def held(self) -> Proof:
        """Say how it stood when last something happened; `as_of` brings it up to a day."""
        last = self.after[-1].finding.started_at if self.after else self.stage.since
        return self.proof(last, _TOO_RARE)


_TOO_RARE = "it came too seldom before the deployment to prove anything"


def _proof(
    why: str, before: int, seconds_before: float, after: int, seconds_after: float, at: datetime
) -> Proof:
    p = p_value(before, seconds_before, after, seconds_after)
    return Proof(
        incidents_before=before,
        exposure_before_seconds=seconds_before,
        incidents_after=after,
        exposure_after_seconds=seconds_after,
        p_value=p,
        level=LEVEL,
        tested_at=at,
        reason=f"{why}: {before} recurrence{'' if before == 1 else 's'} in the "
        f"{_span(seconds_before)} between the first time and the deployment, {after or 'none'} in "
        f"the {_span(seconds_after)} since; if the fix had done nothing, so few would come with a "
        f"probability of {p:.3g}",
    )


def _span(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"


def as_of(fix: Fix, now: datetime) -> Fix:
    """Give a fix as it stands now: for one that held so far, with today's probability."""
    proof = fix.proof
    if fix.state is not FixState.HELD_SO_FAR or proof is None or fix.deployed_at is None:
        return fix
    since = max((now - fix.deployed_at).total_seconds(), 0.0)
    before, seconds_before = proof.incidents_before, proof.exposure_before_seconds
    today = _proof(_TOO_RARE, before, seconds_before, proof.incidents_after, since, now)
    return fix.model_copy(update={"proof": today})
