"""The exact test, its window, and that it calls useless fixes verified no more often than 5 %."""

from datetime import timedelta
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mejora_problem.model.proof import LEVEL, episodes, observation_window, p_value
from support.problems import a_fault, day, faults_at

counts = st.integers(0, 60)
seconds = st.floats(1.0, 1e9)


def test_the_p_value_is_the_binomial_of_the_conditional_test() -> None:
    # 3 before in 10 days and none in 30: (10/40)³.
    assert isclose(p_value(3, 10, 0, 30), 1 / 64)
    # One after in equal exposures: (1 + 4) / 2⁴.
    assert isclose(p_value(3, 10, 1, 10), 5 / 16)


@given(counts, seconds, counts, seconds)
def test_more_recurrences_or_less_time_prove_less(
    before: int, exposure: float, after: int, since: float
) -> None:
    p = p_value(before, exposure, after, since)
    assert 0 <= p <= 1 + 1e-12
    assert p_value(before, exposure, after + 1, since) >= p - 1e-9
    assert p_value(before, exposure, after, since / 2) >= p - 1e-9


@given(st.integers(2, 500), st.floats(1.0, 3650.0))
def test_the_window_is_just_long_enough(before: int, days: float) -> None:
    exposure = timedelta(days=days)
    window = observation_window(before, exposure)
    if window is None:
        assert before == 2
        return
    assert isclose(
        p_value(before, exposure.total_seconds(), 0, window.total_seconds()), LEVEL, rel_tol=1e-6
    )


@pytest.mark.parametrize("before", [0, 1])
def test_a_rare_fault_has_no_window(before: int) -> None:
    assert observation_window(before, timedelta(days=100)) is None


def test_outages_that_overlap_are_one_occurrence() -> None:
    storm = [a_fault(1, 1, minutes=90), a_fault(2, 1.01, minutes=5), a_fault(3, 1.05, minutes=60)]
    assert episodes([*storm, *faults_at([3, 4], first=4)]) == [day(1), day(3), day(4)]


RUNS = 20_000


def share_verified(rng: np.random.Generator, incidents: int, wait: float, factor: float) -> float:
    """Simulate Poisson faults of rate 1, a fix, and its verdict; tell how often it is `verified`.

    The fix is deployed `wait` after the incident of that number (the first is number 1), and
    lowers the rate by `factor`. Verified means: nothing in the window that was announced.
    """
    waits = rng.exponential(size=(RUNS, incidents - 1)).sum(axis=1)
    extra = rng.poisson(wait, size=RUNS)
    before, exposure = incidents - 1 + extra, waits + wait
    window = exposure * (20.0 ** (1.0 / before) - 1.0)
    quiet = rng.exponential(size=RUNS) / factor
    return float(np.mean(quiet > window))


@pytest.mark.parametrize("incidents", [3, 4, 6, 12, 40])
@pytest.mark.parametrize("wait", [0.0, 0.5, 5.0])
def test_at_most_one_in_twenty_useless_fixes_is_verified(incidents: int, wait: float) -> None:
    share = share_verified(np.random.default_rng(incidents), incidents, wait, factor=1.0)
    assert share <= LEVEL + 3 * (LEVEL * (1 - LEVEL) / RUNS) ** 0.5


def test_deployed_right_after_an_incident_the_share_is_exactly_one_in_twenty() -> None:
    share = share_verified(np.random.default_rng(1), 5, 0.0, factor=1.0)
    assert abs(share - LEVEL) <= 3 * (LEVEL * (1 - LEVEL) / RUNS) ** 0.5


@pytest.mark.parametrize(("factor", "least"), [(1e-9, 0.999), (0.05, 0.75), (0.1, 0.6)])
def test_good_fixes_are_mostly_verified(factor: float, least: float) -> None:
    for incidents in (4, 8, 20):
        rng = np.random.default_rng(7)
        assert share_verified(rng, incidents, 0.5, factor) >= least


def test_counting_the_incident_that_starts_the_clock_would_pass_too_many() -> None:
    """Why n incidents count as n - 1: with n, more than 5 % of useless fixes pass."""
    rng = np.random.default_rng(3)
    exposure = rng.exponential(size=(RUNS, 3)).sum(axis=1)
    window = exposure * (20.0 ** (1.0 / 4) - 1.0)
    assert np.mean(rng.exponential(size=RUNS) > window) > 0.1


def test_looking_every_day_would_pass_too_many() -> None:
    """Why the verdict waits for the window's end: the best of many looks is not one look."""
    rng = np.random.default_rng(5)
    passed = 0
    for _ in range(2000):
        before, exposure = 9, rng.exponential(size=9).sum()
        after = np.cumsum(rng.exponential(size=60))
        looks = np.arange(0.5, 40.0, 0.5)
        passed += any(
            p_value(before, exposure, int(np.searchsorted(after, look)), look) <= LEVEL
            for look in looks
        )
    assert passed / 2000 > 2 * LEVEL
