"""Where a failure began: which incidents are one cascade, and which component set it off.

Incidents that started near in time, at components that stand on one another, are one cascade. Near
is counted in whole minutes of their starts, whether they have been restored since or not, so that
the answer depends on what happened alone and not on the order in which Mejora learned of it.
"""

from mejora_diagnosis.model.cascade.failing import (
    Failing,
    Found,
    News,
    kind_of,
    minute_of,
    slot_of,
)
from mejora_diagnosis.model.cascade.habits import KEPT_SLOTS, NEEDED_SLOTS, Habits
from mejora_diagnosis.model.cascade.neighbourhood import MOST_NAMED, Beginning, Neighbourhood
from mejora_diagnosis.model.cascade.rechecks import Recheck, merge_spans, to_recheck

__all__ = [
    "KEPT_SLOTS",
    "MOST_NAMED",
    "NEEDED_SLOTS",
    "Beginning",
    "Failing",
    "Found",
    "Habits",
    "Neighbourhood",
    "News",
    "Recheck",
    "kind_of",
    "merge_spans",
    "minute_of",
    "slot_of",
    "to_recheck",
]
