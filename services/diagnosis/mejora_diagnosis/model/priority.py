"""How important an incident is: impact × urgency → priority, each from 1 (highest) to 5.

The matrix is the one that ITIL's incident management practice describes, with five grades:

| impact ↓ urgency → | 1 | 2 | 3 | 4 | 5 |
|---|---|---|---|---|---|
| 1 | 1 | 1 | 2 | 2 | 3 |
| 2 | 1 | 2 | 2 | 3 | 4 |
| 3 | 2 | 2 | 3 | 4 | 4 |
| 4 | 2 | 3 | 4 | 4 | 5 |
| 5 | 3 | 4 | 4 | 5 | 5 |

A higher impact or urgency never gives a lower priority.
"""

from dataclasses import dataclass

from mejora_events.contracts.base import Severity
from mejora_events.contracts.diagnoses import Affected, ScopeKind

PRIORITY_BY_IMPACT_AND_URGENCY = (
    (1, 1, 2, 2, 3),
    (1, 2, 2, 3, 4),
    (2, 2, 3, 4, 4),
    (2, 3, 4, 4, 5),
    (3, 4, 4, 5, 5),
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
    criticality: int, affected: Affected, severity: Severity, scope: ScopeKind
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
    )
    return Priority(
        impact=impact,
        urgency=urgency,
        priority=PRIORITY_BY_IMPACT_AND_URGENCY[impact - 1][urgency - 1],
        because=because,
    )
