"""Identifiers: UUIDv7 (RFC 9562), so that they sort by the time at which they were made."""

from datetime import datetime
from typing import NewType
from uuid import UUID

import uuid_utils
import uuid_utils.compat

IncidentId = NewType("IncidentId", UUID)
DiagnosisId = NewType("DiagnosisId", UUID)
WorkaroundId = NewType("WorkaroundId", UUID)
ProblemId = NewType("ProblemId", UUID)
ActionId = NewType("ActionId", UUID)
FixId = NewType("FixId", UUID)
ImprovementId = NewType("ImprovementId", UUID)
ChangeId = NewType("ChangeId", UUID)
KeyId = NewType("KeyId", UUID)
LetterId = NewType("LetterId", UUID)
EventId = NewType("EventId", UUID)


def new_id(at: datetime | None = None) -> UUID:
    """Make a UUIDv7, for now or for a time in history that is being imported."""
    if at is None:
        return uuid_utils.compat.uuid7()
    # UUIDv7 counts from 1970; a clock that says less is wrong, and its ids sort first.
    microseconds = max(0, round(at.timestamp() * 1_000_000))
    return UUID(int=uuid_utils.uuid7(nanoseconds=microseconds * 1000).int)
