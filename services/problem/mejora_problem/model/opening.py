"""When a problem opens."""

from dataclasses import dataclass
from datetime import datetime

from mejora_events.contracts.base import Time, Value
from mejora_events.contracts.diagnoses import Grade
from mejora_events.contracts.problems import OpenedBecause
from mejora_problem.model.occurrences import Summary


class ByHand(Value):
    """What a person said who opened a problem before the rules did."""

    opened_at: Time
    opened_by: str
    title: str
    component: str
    owner: str | None = None
    priority: Grade


@dataclass(frozen=True, slots=True)
class Opening:
    """That a problem is open, since when, and by which rule."""

    at: datetime
    because: OpenedBecause


def open_or_recur(summary: Summary, by_hand: ByHand | None) -> Opening | None:
    """Tell by which rule the signature's problem opened first, or None while nothing opens it.

    It opens at the first incident of priority 1 or 2 (when it is reported, or when its priority
    is raised), at the second of any priority, or by hand. Incidents that come after are its
    recurrences. The answer is drawn from all that is known, so that it does not depend on the
    order in which it became known: an older incident that is heard of late can make a problem
    older than it was thought to be.
    """
    openings = []
    if summary.first_high and summary.first_high.finding.high_since:
        openings.append(Opening(summary.first_high.finding.high_since, OpenedBecause.HIGH_PRIORITY))
    if len(summary.first_two) > 1:
        second = summary.first_two[1].finding.reported_at
        openings.append(Opening(second, OpenedBecause.SECOND_INCIDENT))
    if by_hand:
        openings.append(Opening(by_hand.opened_at, OpenedBecause.BY_HAND))
    return min(openings, key=lambda opening: opening.at, default=None)
