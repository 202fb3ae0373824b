"""What is past its date: actions, workarounds and promised fixes."""

from dataclasses import dataclass, field
from typing import Literal

from mejora_events.contracts.base import Value


class Promises(Value):
    """Promises of one kind that were open at the end of the period, and those past their date."""

    open: int = 0
    overdue: int = 0


class Overdue(Value):
    """What should have happened by the end of the period and had not."""

    kind: Literal["count"] = "count"
    unit: Literal["promises"] = "promises"
    count: int | None
    """All that is overdue."""
    actions: Promises
    workarounds: Promises
    fixes: Promises
    reason: str | None


@dataclass(frozen=True, slots=True)
class OpenPromises:
    """Open promises of each kind at the end of the period."""

    actions: Promises = field(default_factory=Promises)
    workarounds: Promises = field(default_factory=Promises)
    fixes: Promises = field(default_factory=Promises)


def overdue(promises: OpenPromises) -> Overdue:
    """Count what is past its date; without any open promise there is nothing to be late with."""
    kinds = (promises.actions, promises.workarounds, promises.fixes)
    any_open = any(kind.open for kind in kinds)
    return Overdue(
        count=sum(kind.overdue for kind in kinds) if any_open else None,
        actions=promises.actions,
        workarounds=promises.workarounds,
        fixes=promises.fixes,
        reason=None
        if any_open
        else "No action, workaround or promised fix was open at the end of the period.",
    )
