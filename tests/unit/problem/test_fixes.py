"""Where a fix is in place, and what is said of it."""

from datetime import datetime, timedelta
from math import isclose

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mejora_events.contracts.fixes import FixState
from mejora_problem.model.fixes import Deployment, Judgement, as_of, rollout, verdict
from mejora_problem.model.occurrences import Fault
from mejora_problem.model.proof import LEVEL
from support.problems import a_fault, a_fix, day, faults_at

EVERY_FIVE_DAYS = faults_at([0, 5, 10, 15, 20])
WINDOW_DAYS = 20 * (20 ** (1 / 4) - 1)
"""Four after the first in the 20 days before the deployment on day 20 (22.3 days)."""


def judged(
    faults: tuple[Fault, ...], now: float, *deployments: tuple[float, tuple[str, ...]]
) -> Judgement:
    given_ = [Deployment(at=day(at), places=places) for at, places in deployments or [(20, ())]]
    judgement = verdict(given_, faults, day(now))
    assert judgement
    return judgement


def test_a_fix_that_is_not_deployed_is_not_judged() -> None:
    assert verdict([], EVERY_FIVE_DAYS, day(90)) is None


def test_the_window_is_announced_at_deployment_and_the_verdict_waits_for_its_end() -> None:
    before = faults_at([0, 5, 10, 15, 19.999])
    observed = judged(before, 21)
    assert observed.state is FixState.OBSERVED
    assert observed.observe_until
    assert isclose((observed.observe_until - day(20)) / timedelta(days=1), WINDOW_DAYS)
    assert judged(before, 20 + WINDOW_DAYS - 0.001).state is FixState.OBSERVED
    verified = judged(before, 20 + WINDOW_DAYS + 0.001)
    assert verified.state is FixState.VERIFIED
    assert verified.verified_at == observed.observe_until
    assert verified.proof
    assert isclose(verified.proof.p_value, LEVEL, rel_tol=1e-6)
    assert (verified.proof.incidents_before, verified.proof.incidents_after) == (4, 0)


def test_the_verdict_does_not_depend_on_when_it_is_drawn() -> None:
    before = faults_at([0, 5, 10, 15, 19.999])
    assert judged(before, 50) == judged(before, 5000)


def test_a_recurrence_within_the_window_is_a_regression() -> None:
    regressed = judged((*faults_at([0, 5, 10, 15]), a_fault(9, 30)), 31)
    assert regressed.state is FixState.REGRESSED
    assert regressed.regressed_at == day(30)
    assert regressed.regressed_by == a_fault(9, 30).incident_id
    assert regressed.verified_at is None
    assert regressed.proof
    assert regressed.proof.p_value > LEVEL


def test_after_the_verdict_a_recurrence_counts_only_if_the_rate_is_not_lower_any_more() -> None:
    before = faults_at([0, 5, 10, 15])
    soon, late = judged((*before, a_fault(9, 70)), 71), judged((*before, a_fault(9, 300)), 301)
    assert soon.state is FixState.REGRESSED
    assert soon.verified_at is not None
    assert late.state is FixState.VERIFIED


def test_a_rare_fault_has_held_so_far_and_is_never_verified() -> None:
    rare = judged(faults_at([0, 5]), 5000)
    assert rare.state is FixState.HELD_SO_FAR
    assert rare.observe_until is None
    shown = as_of(rare.applied_to(a_fix()), day(80))
    assert shown.proof
    assert isclose(shown.proof.p_value, 20 / 80)
    assert judged((*faults_at([0, 5]), a_fault(3, 40)), 5000).state is FixState.REGRESSED


def test_a_fault_never_seen_has_held_with_no_proof_at_all() -> None:
    unseen = judged((), 5000)
    assert unseen.state is FixState.HELD_SO_FAR
    assert unseen.proof
    assert unseen.proof.p_value == 1.0


def test_a_recurrence_elsewhere_does_not_count_against_the_fix() -> None:
    before = faults_at([0, 5, 10, 15], host="host-a")
    elsewhere = a_fault(9, 25, host="host-b")
    assert judged((*before, elsewhere), 300, (20, ("host-a",))).state is FixState.VERIFIED
    assert judged((*before, elsewhere), 300, (20, ())).state is FixState.REGRESSED


def test_only_what_came_before_at_the_same_places_counts_before() -> None:
    both = (*faults_at([0, 6, 12]), *faults_at([1, 2, 3, 4], host="host-b", first=10))
    judgement = judged(both, 21, (20, ("host-a",)))
    assert judgement.observe_until
    expected = 20 * (20 ** (1 / 2) - 1)
    assert isclose((judgement.observe_until - day(20)) / timedelta(days=1), expected)


def test_a_component_is_a_place_too() -> None:
    in_place = judged(faults_at([0, 5, 10, 25]), 30, (20, ("database",)))
    assert in_place.state is FixState.REGRESSED


def test_a_rollout_is_observed_from_its_last_stage() -> None:
    before = faults_at([0, 5, 10, 15])
    spread = judged(before, 22, (20, ("host-a",)), (21, ("host-b",)), (21.5, ("host-a",)))
    assert (spread.stage.since, spread.stage.places) == (day(21), frozenset({"host-a", "host-b"}))
    everywhere = judged(before, 22, (20, ("host-a",)), (21, ()))
    assert (everywhere.stage.since, everywhere.stage.places) == (day(21), frozenset())


def test_a_verdict_on_a_stage_is_not_taken_back_by_rolling_out_further() -> None:
    first = judged(faults_at([0, 5, 10, 15]), 300, (20, ("host-a",)))
    further = judged(faults_at([0, 5, 10, 15]), 300, (20, ("host-a",)), (100, ()))
    assert first.state is FixState.VERIFIED
    assert further == first


@given(st.permutations([(20, ("a",)), (21, ("b",)), (20, ("a", "b")), (22, ()), (23, ("c",))]))
def test_the_order_in_which_deployments_are_told_does_not_matter(
    told: list[tuple[float, tuple[str, ...]]],
) -> None:
    stages = rollout(Deployment(at=day(at), places=places) for at, places in told)
    assert [(stage.since, sorted(stage.places)) for stage in stages] == [
        (day(20), ["a", "b"]),
        (day(22), []),
    ]


def simulated(rng: np.random.Generator, factor: float) -> FixState:
    """Let a Poisson fault run into a fix that lowers its rate by a factor; give the verdict."""
    incidents, wait = int(rng.integers(3, 12)), float(rng.choice([0.0, 0.3, 2.0]))
    times = np.cumsum(rng.exponential(size=incidents))
    deployed = times[-1] + wait
    while (more := times[-1] + rng.exponential()) < deployed:
        times = np.append(times, more)
    after = deployed + np.cumsum(rng.exponential(size=3)) / factor
    faults = faults_at(float(at) for at in (*times, *after) if at < 1e6)
    deployment = Deployment(at=_just_after(day(float(deployed))))
    judgement = verdict([deployment], faults, day(1e6))
    assert judgement
    return FixState.VERIFIED if judgement.verified_at else judgement.state


def _just_after(moment: datetime) -> datetime:
    return moment + timedelta(microseconds=1)


def test_of_simulated_useless_fixes_at_most_one_in_twenty_is_ever_called_verified() -> None:
    rng = np.random.default_rng(2026)
    verdicts = [simulated(rng, factor=1.0) for _ in range(2000)]
    share = verdicts.count(FixState.VERIFIED) / len(verdicts)
    assert share <= LEVEL + 2 * (LEVEL * (1 - LEVEL) / len(verdicts)) ** 0.5


def test_of_simulated_good_fixes_most_are_verified() -> None:
    rng = np.random.default_rng(2027)
    verdicts = [simulated(rng, factor=0.05) for _ in range(500)]
    assert verdicts.count(FixState.VERIFIED) / len(verdicts) >= 0.75
