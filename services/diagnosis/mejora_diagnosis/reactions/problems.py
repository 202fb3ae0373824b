"""Problems are remembered, so that a known error is recognised when it comes again."""

from collections.abc import Sequence

from mejora_diagnosis.store import problems
from mejora_events.contracts.problems import ProblemEvent
from mejora_events.envelope import Event
from mejora_events.store import Work


async def take_problems(work: Work, events: Sequence[Event[ProblemEvent]]) -> None:
    """Take over what is known of problems."""
    await problems.take_problems(work.conn, [event.data.problem for event in events])
