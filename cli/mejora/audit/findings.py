"""What an audit finds."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong with something."""

    LOST = "lost"
    """It should be there and is not."""
    DOUBLED = "doubled"
    """It is there more often than it should be."""
    UNKNOWN = "unknown"
    """It is there and nobody ever said it."""
    DIFFERENT = "different"
    """It is there and says something else than its owner says."""
    PARKED = "parked"
    """It waits for an operator, as a dead letter or behind one."""
    WAITING = "waiting"
    """It is in an outbox: the broker has not got it."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong. Two looks that find the same give equal findings."""

    kind: Kind
    service: str
    """Whose store it is about."""
    thing: str
    id: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what was compared, how many of it, and what was found."""

    name: str
    compared: int
    findings: tuple[Finding, ...] = ()
