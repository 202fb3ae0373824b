"""What is done with each event: all are kept in the feed, snapshots are measured.

And what is done without one: from time to time the data is looked at for proposals.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mejora_events.contracts import (
    TYPES,
    catalogue,
    diagnoses,
    fixes,
    incidents,
    problems,
    workarounds,
)
from mejora_events.contracts.base import Money
from mejora_events.envelope import Event
from mejora_events.ids import ImprovementId, new_id
from mejora_events.reactions import Reaction, Reactions
from mejora_events.store import Work
from mejora_improvement.model import measures
from mejora_improvement.model.feed import belongs_in_feed
from mejora_improvement.model.newest import newest
from mejora_improvement.model.proposals import LEAST_INCIDENTS, MOST_OPEN_PROPOSALS, propose_from
from mejora_improvement.model.register import baseline_until, part_measured, propose
from mejora_improvement.store import feed, measurements, register
from mejora_improvement.store.samples import sample, signature_of

Events = Sequence[Event[Any]]


def reactions(_settings: object) -> Reactions:
    """Tell what is done with each type of every topic, but those of access keys."""
    kept = [contract for contract in TYPES.values() if belongs_in_feed(contract)]
    by_topic = {
        topic: _keep_and(MEASURED_BY_TOPIC.get(topic)) for topic in {it.TOPIC for it in kept}
    }
    return {contract: by_topic[contract.TOPIC] for contract in kept}


async def propose_from_data(work: Work, labour: Money | None = None) -> None:
    """Propose to be rid of the costliest problems that keep coming back, a few at a time."""
    window = baseline_until(work.now)
    room = MOST_OPEN_PROPOSALS - await register.open_proposals(work.conn, work.actor)
    problems = await register.recurring_problems(work.conn, window, LEAST_INCIDENTS, labour)
    for draft in propose_from(problems, window, room):
        signature_id = await signature_of(work.conn, draft.problem_id)
        before = await sample(
            work.conn, draft.indicator, window, part_measured(draft, signature_id)
        )
        improvement_id = ImprovementId(new_id(work.now))
        event = propose(improvement_id, draft, (window, before), work.now, work.actor)
        await register.put(work, event, work.now)


def _keep_and(measure: Reaction | None) -> Reaction:
    async def react(work: Work, events: Events) -> None:
        await feed.keep(work.conn, events)
        if measure is not None:
            await measure(work, events)

    return react


async def measure_incidents(work: Work, events: Events) -> None:
    """Measure the newest of each incident."""
    snapshots = newest([e.data.incident for e in events], lambda i: i.incident_id)
    rows = [measures.of_incident(incident) for incident in snapshots]
    await measurements.keep(work.conn, measurements.INCIDENTS, rows)


async def measure_diagnoses(work: Work, events: Events) -> None:
    """Measure the newest diagnosis of each incident, and note what the first one said."""
    snapshots = newest([e.data.diagnosis for e in events], lambda d: d.incident_id)
    rows = [measures.of_diagnosis(diagnosis) for diagnosis in snapshots]
    await measurements.keep(work.conn, measurements.DIAGNOSES, rows)
    firsts = [row for e in events if (row := measures.of_first_diagnosis(e.data))]
    await measurements.keep(work.conn, measurements.FIRST_DIAGNOSES, firsts)


async def measure_workarounds(work: Work, events: Events) -> None:
    """Measure the newest of each workaround."""
    snapshots = newest([e.data.workaround for e in events], lambda w: w.workaround_id)
    rows = [measures.of_workaround(workaround) for workaround in snapshots]
    await measurements.keep(work.conn, measurements.WORKAROUNDS, rows)


async def measure_problems(work: Work, events: Events) -> None:
    """Measure the newest of each problem."""
    snapshots = newest([e.data.problem for e in events], lambda p: p.problem_id)
    rows = [measures.of_problem(problem) for problem in snapshots]
    await measurements.keep(work.conn, measurements.PROBLEMS, rows)


async def measure_fixes(work: Work, events: Events) -> None:
    """Measure the newest of each permanent fix."""
    snapshots = newest([e.data.fix for e in events], lambda f: f.fix_id)
    rows = [measures.of_fix(fix) for fix in snapshots]
    await measurements.keep(work.conn, measurements.FIXES, rows)


async def learn_catalogue(work: Work, events: Events) -> None:
    """Keep what components cost to handle and what contracts promise."""
    changes = newest([e.data for e in events], lambda change: change.key())
    components = [row for change in changes if (row := measures.of_component(change))]
    await measurements.keep(work.conn, measurements.COMPONENTS, components)
    contracts = [row for change in changes if (row := measures.of_contract(change))]
    await measurements.keep(work.conn, measurements.CONTRACTS, contracts)


MEASURED_BY_TOPIC: Mapping[str, Reaction] = {
    incidents.TOPIC: measure_incidents,
    diagnoses.TOPIC: measure_diagnoses,
    workarounds.TOPIC: measure_workarounds,
    problems.TOPIC: measure_problems,
    fixes.TOPIC: measure_fixes,
    catalogue.TOPIC: learn_catalogue,
}
