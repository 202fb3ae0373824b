"""From what was heard or said to what is written and told: lock, load, `settle`, write, emit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mejora_events.envelope import Event
from mejora_events.store import Work
from mejora_problem.model.case import Case, Outcome
from mejora_problem.model.occurrences import Fault
from mejora_problem.model.settling import settle
from mejora_problem.store import cases as store


@dataclass(frozen=True, slots=True)
class Touch:
    """What is new about a signature."""

    news: tuple[Fault, ...] = ()
    """Incidents not known before."""
    heard_since: datetime | None = None
    """Since when something new was heard of its incidents; None: anything may be new."""
    cause: Event[Any] | None = None
    """The event that brought the news."""


Alter = Callable[[Case], Case]
"""Adds to a case what a command or the sweep brings, beside what is stored."""


def _as_it_is(case: Case) -> Case:
    return case


async def settle_all(
    work: Work, touches: Mapping[str, Touch], alter: Alter = _as_it_is
) -> dict[str, Outcome]:
    """Settle these signatures; tell what came of each."""
    if not touches:
        return {}
    await store.lock_signatures(work.conn, touches)
    news = {name: len(touch.news) for name, touch in touches.items() if touch.news}
    await store.count_news(work.conn, news)
    heard_since = {name: touch.heard_since for name, touch in touches.items()}
    outcomes = {}
    for stored in await store.load_cases(work.conn, heard_since, work.now):
        case = alter(replace(stored, news=touches[stored.signature_id].news))
        outcomes[case.signature_id] = case, settle(case, work.now)
    await store.write_outcomes(work.conn, outcomes.values())
    for name, (case, outcome) in outcomes.items():
        for said in outcome.said:
            work.emit(said.data, at=said.at, cause=touches[name].cause, correlation=case.problem_id)
    return {name: outcome for name, (_, outcome) in outcomes.items()}
