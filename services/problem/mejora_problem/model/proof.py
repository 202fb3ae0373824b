"""Did a permanent fix hold? The one-sided exact conditional test of two Poisson rates.

Before the deployment a fault came `before` times in an exposure T₀, after it `after` times in T.
If the fix did nothing, each of the `before + after` occurrences fell after the deployment with
probability T/(T₀+T), so that `after` is binomial; the p-value is the probability of so few.
Source: J. Przyborowski and H. Wilenski, "Homogeneity of results in testing samples from Poisson
series", Biometrika 31 (1940) 313-323; it is the C-test in K. Krishnamoorthy and J. Thomson, "A more
powerful test for comparing two Poisson means", J. Statist. Plann. Inference 119 (2004) 23-35.

Three traps, and what is done about each:

- *Looking again and again.* A test at 5 % that is repeated until it succeeds calls far more than
  5 % of useless fixes good (P. Armitage, C. K. McPherson, B. C. Rowe, J. R. Statist. Soc. A 132
  (1969) 235-244). So the window is announced on the day of deployment, from what came before
  alone, and `verified` is only ever said at its end.
- *The clock that starts with an occurrence.* The exposure before begins at the first occurrence,
  since nobody knows how long we would have noticed earlier ones. That first one must then not be
  counted: a stretch that begins with an occurrence by choice would show a rate too high, and a
  useless fix would look good. So n occurrences count as n - 1, in the time since the first. If the
  deployment follows the last of them at once, T₀ is a sum of n - 1 exponential times and the share
  of useless fixes that pass is exactly 5 %; the longer it waits, the smaller the share.
- *One fault seen several times.* Incidents whose outages overlap are not independent: three hosts
  that fail in the same minute are one occurrence. They are counted as one (`episodes`).

What no test mends: a fix that is decided on because of a burst is followed by fewer occurrences by
itself (regression to the mean), and faults that come in clusters without overlap vary more than a
Poisson process does. Both make the p-value smaller than it should be.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import expm1, log

from scipy.special import bdtr

from mejora_problem.model.occurrences import Fault

LEVEL = 0.05
"""The share of fixes that did nothing that may be called verified."""

FEWEST_BEFORE = 2
"""With fewer occurrences after the first (so with n ≤ 2 in all) a fault is too rare to test."""

LONGEST_WINDOW = timedelta(days=36525)
"""A window of more than a hundred years is none."""


def p_value(
    before: int, exposure_before_seconds: float, after: int, exposure_after_seconds: float
) -> float:
    """Give the probability of at most `after` occurrences after a fix that did nothing.

    Both exposures in seconds, not negative; 1 when there is nothing to compare.
    """
    exposure = exposure_before_seconds + exposure_after_seconds
    if exposure <= 0:
        return 1.0
    return float(bdtr(after, before + after, exposure_after_seconds / exposure))


def observation_window(before: int, exposure_before: timedelta) -> timedelta | None:
    """Tell how long without a recurrence is enough; None if the fault is too rare for that.

    Solves p_value(n, T₀, 0, T) = (T₀/(T₀+T))ⁿ = 5 % for T = T₀ · (20^(1/n) - 1).
    """
    if before < FEWEST_BEFORE or exposure_before <= timedelta(0):
        return None
    factor = expm1(-log(LEVEL) / before)
    if exposure_before > LONGEST_WINDOW / factor:
        return None
    return exposure_before * factor


def episodes(faults: Iterable[Fault]) -> Sequence[datetime]:
    """Give the starts of the fault's occurrences, in order; outages that overlap are one."""
    starts: list[datetime] = []
    over = None
    for fault in sorted(faults, key=lambda fault: fault.finding.started_at):
        if over is None or fault.finding.started_at > over:
            starts.append(fault.finding.started_at)
            over = fault.ended_at
        else:
            over = max(over, fault.ended_at)
    return starts
