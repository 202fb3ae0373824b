"""Problems are remembered, so that a known error is recognised when it comes again.

Where their root cause says what was true, the diagnoses of their incidents are graded by it.
"""

from collections.abc import Sequence

from mejora_diagnosis.reactions.grading import grade_faults
from mejora_diagnosis.store import catalogue, problems
from mejora_events.contracts.problems import ProblemEvent
from mejora_events.envelope import Event
from mejora_events.store import Work


async def take_problems(work: Work, events: Sequence[Event[ProblemEvent]]) -> None:
    """Take over what is known of problems; a root cause grades the diagnoses of its fault."""
    known = await catalogue.take_turn(work)
    news = await problems.news_of(work.conn, [event.data.problem for event in events])
    await problems.take_problems(work.conn, news)
    causes = {event.data.problem.signature_id: event for event in events}
    await grade_faults(work, known.catalogue, {it: causes[it] for it in news.explained})
