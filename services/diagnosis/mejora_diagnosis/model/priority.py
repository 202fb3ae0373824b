"""How important an incident is: impact × urgency → priority, each from 1 (highest) to 5.

The matrix is the one that ITIL's incident management practice describes, with five grades:

| impact ↓ urgency → | 1 | 2 | 3 | 4 | 5 |
|---|---|---|---|---|---|
| 1 | 1 | 1 | 2 | 2 | 3 |
| 2 | 1 | 2 | 2 | 3 | 4 |
| 3 | 2 | 2 | 3 | 4 | 4 |
| 4 | 2 | 3 | 4 | 4 | 5 |
| 5 | 3 | 4 | 4 | 5 | 5 |

A higher impact or urgency never gives a lower priority. An operator may set another matrix of which
that holds.
"""

from dataclasses import dataclass
from itertools import pairwise

from mejora_events.contracts.base import Severity
from mejora_events.contracts.diagnoses import Affected, ScopeKind

Matrix = tuple[tuple[int, ...], ...]
"""Five rows by impact, each with five priorities by urgency."""


@dataclass(frozen=True, slots=True)
class PriorityMatrix:
    """A matrix and which version it is; 0 is the one that Mejora comes with."""

    grades: Matrix
    version: int


DEFAULT_MATRIX = PriorityMatrix(
    (
        (1, 1, 2, 2, 3),
        (1, 2, 2, 3, 4),
        (2, 2, 3, 4, 4),
        (2, 3, 4, 4, 5),
        (3, 4, 4, 5, 5),
    ),
    version=0,
)


class BadMatrix(ValueError):
    """A higher impact or urgency would give a lower priority."""


def check_matrix(matrix: Matrix) -> None:
    """Check five rows of five priorities. Raises BadMatrix."""
    columns = tuple(zip(*matrix, strict=True))
    for fixed, lines, rising in (("impact", matrix, "urgency"), ("urgency", columns, "impact")):
        for grade, line in enumerate(lines, 1):
            for higher, (priority, next_priority) in enumerate(pairwise(line), 1):
                if next_priority < priority:
                    raise BadMatrix(
                        f"At {fixed} {grade}, {rising} {higher + 1} gives priority"
                        f" {next_priority}, and {rising} {higher} only {priority}"
                    )


_URGENCY_BY_SEVERITY = {
    Severity.CRITICAL: 1,
    Severity.ERROR: 2,
    Severity.WARNING: 3,
    Severity.UNKNOWN: 3,
    Severity.INFO: 5,
}


@dataclass(frozen=True, slots=True)
class Priority:
    """The three grades, with the reason."""

    impact: int
    urgency: int
    priority: int
    because: str


def prioritise(
    criticality: int,
    affected: Affected,
    severity: Severity,
    scope: ScopeKind,
    matrix: PriorityMatrix = DEFAULT_MATRIX,
) -> Priority:
    """Grade an incident.

    Impact is the component's criticality, one grade higher when a contract or customer is hit.
    Urgency is how bad the sender says it is; one grade higher when most of the component is hit,
    one lower when only a part of it is (the rest carries the service meanwhile).
    """
    hit = affected.contracts or affected.customers
    impact = max(1, criticality - 1) if hit else criticality
    step = {ScopeKind.GENERALISED: -1, ScopeKind.BOUNDED: 1, ScopeKind.UNKNOWN: 0}[scope]
    urgency = min(5, max(1, _URGENCY_BY_SEVERITY[severity] + step))
    because = (
        f"impact {impact} (criticality {criticality}"
        + (", and what customers were promised is hit" if hit else "")
        + f") and urgency {urgency} (severity {severity}, scope {scope})"
        + (f", by version {matrix.version} of the matrix" if matrix.version else "")
    )
    return Priority(
        impact=impact,
        urgency=urgency,
        priority=matrix.grades[impact - 1][urgency - 1],
        because=because,
    )
