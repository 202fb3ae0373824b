"""All that is known of a signature, read and written for many signatures at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.fixes import Fix
from mejora_events.contracts.problems import Action, Problem
from mejora_events.ids import FixId, ProblemId, new_id
from mejora_events.sql import Row, as_json, from_json, rows, run
from mejora_problem.model.case import Case, FixCase, Outcome, verdicts_move
from mejora_problem.model.fixes import Deployment
from mejora_problem.model.occurrences import Summary
from mejora_problem.model.opening import ByHand
from mejora_problem.store.occurrences import faults_of, read_fault

# Makes a row for each signature not heard of before, in one order for all, against deadlocks.
_MAKE_SIGNATURES = """
insert into signature (signature_id)
select signature_id from unnest(cast(:signature_ids as text[])) as n (signature_id)
order by signature_id
on conflict do nothing
"""

# Locks signatures with all that belongs to them: problem, actions, fixes.
_LOCK_SIGNATURES = """
select signature_id from signature
where signature_id = any(cast(:signature_ids as text[]))
order by signature_id
for update
"""

_COUNT_NEWS = """
update signature s set incidents = s.incidents + n.news
from unnest(cast(:signature_ids as text[]), cast(:news as integer[])) as n (signature_id, news)
where s.signature_id = n.signature_id
"""

# What the rules need of a signature: the ends of its incidents' orders, its problem, and whether
# a workaround worked. What lies between the ends is not read.
_CASES = """
select s.signature_id, s.incidents, p.body as problem, p.by_hand, first_two.bodies as first_two,
       latest.body as latest, high.body as first_high, top.priority,
       exists (select from workaround w
               where w.signature_id = s.signature_id and w.worked) as workaround_worked
from signature s
left join problem p using (signature_id)
left join lateral (
    select jsonb_agg(o.body order by o.reported_at, o.incident_id) as bodies
    from (select body, reported_at, incident_id from occurrence
          where signature_id = s.signature_id order by reported_at, incident_id limit 2) as o
) as first_two on true
left join lateral (
    select body from occurrence
    where signature_id = s.signature_id order by reported_at desc, incident_id desc limit 1
) as latest on true
left join lateral (
    select body from occurrence
    where signature_id = s.signature_id and high_since is not null
    order by high_since, incident_id limit 1
) as high on true
left join lateral (
    select min(priority) as priority from occurrence where signature_id = s.signature_id
) as top on true
where s.signature_id = any(cast(:signature_ids as text[]))
order by s.signature_id
"""

_ACTIONS = """
select signature_id, body from action
where signature_id = any(cast(:signature_ids as text[]))
order by action_id
"""

_FIXES = """
select signature_id, body from fix
where signature_id = any(cast(:signature_ids as text[]))
order by fix_id
"""

# Where and when each fix was put in place: by changes that carry it, and as somebody said.
_DEPLOYMENTS = """
select f.fix_id, c.changed_at as deployed_at, c.instances as places
from fix f join change c
  on c.component = f.component
 and (c.version = f.carried_by or cast(c.change_id as text) = f.carried_by)
where f.signature_id = any(cast(:signature_ids as text[]))
union
select f.fix_id, d.deployed_at, d.places
from fix f join said_deployment d using (fix_id)
where f.signature_id = any(cast(:signature_ids as text[]))
"""

_WRITE_PROBLEMS = """
insert into problem (problem_id, signature_id, state, component, by_hand, body)
select n.problem_id, n.signature_id, n.state, n.component, cast(n.by_hand as jsonb),
       cast(n.body as jsonb)
from unnest(cast(:problem_ids as uuid[]), cast(:signature_ids as text[]),
            cast(:states as text[]), cast(:components as text[]), cast(:by_hand as text[]),
            cast(:bodies as text[]))
     as n (problem_id, signature_id, state, component, by_hand, body)
on conflict (problem_id) do update
set state = excluded.state, component = excluded.component, by_hand = excluded.by_hand,
    body = excluded.body
"""

_WRITE_FIXES = """
update fix f
set state = n.state, observe_until = n.observe_until, body = cast(n.body as jsonb)
from unnest(cast(:fix_ids as uuid[]), cast(:states as text[]),
            cast(:observe_until as timestamptz[]), cast(:bodies as text[]))
     as n (fix_id, state, observe_until, body)
where f.fix_id = n.fix_id
"""


async def lock_signatures(conn: AsyncConnection, signature_ids: Iterable[str]) -> None:
    """Let nobody else change these signatures, their problems and fixes until we commit."""
    ids = sorted(set(signature_ids))
    await run(conn, _MAKE_SIGNATURES, signature_ids=ids)
    await rows(conn, _LOCK_SIGNATURES, signature_ids=ids)


async def count_news(conn: AsyncConnection, news: Mapping[str, int]) -> None:
    """Count the new incidents of signatures that are locked."""
    if news:
        await run(conn, _COUNT_NEWS, signature_ids=list(news.keys()), news=list(news.values()))


async def load_cases(
    conn: AsyncConnection, heard_since: Mapping[str, datetime | None], now: datetime
) -> list[Case]:
    """Give what is known of these signatures, which are locked, in their order.

    `heard_since` tells for each since when something new was heard of its incidents (None: as
    long as it is known); where no verdict can change by that, its whole history is not read.
    """
    found = await rows(conn, _CASES, signature_ids=list(heard_since))
    cases = [_case(one, now) for one in found]
    with_problem = [case.signature_id for case in cases if case.problem]
    if not with_problem:
        return cases
    actions, fixes = await _actions(conn, with_problem), await _fixes(conn, with_problem)
    moving = [
        signature_id
        for signature_id, listed in fixes.items()
        if verdicts_move(listed, heard_since[signature_id])
    ]
    faults = await faults_of(conn, moving)
    return [
        replace(
            case,
            actions=tuple(actions.get(case.signature_id, ())),
            fixes=tuple(fixes.get(case.signature_id, ())),
            faults=faults.get(case.signature_id),
        )
        for case in cases
    ]


def _case(found: Row, now: datetime) -> Case:
    first_two = tuple(read_fault(body) for body in from_json(found["first_two"]) or ())
    latest = read_fault(found["latest"]) if found["latest"] else None
    problem = _read_problem(found["problem"])
    since = latest.finding.reported_at if latest else now
    return Case(
        signature_id=found["signature_id"],
        problem_id=problem.problem_id if problem else ProblemId(new_id(since)),
        summary=Summary(
            count=found["incidents"],
            first_two=first_two,
            latest=latest,
            first_high=read_fault(found["first_high"]) if found["first_high"] else None,
            priority=found["priority"],
        ),
        problem=problem,
        by_hand=ByHand.model_validate(from_json(found["by_hand"])) if found["by_hand"] else None,
        root_cause=problem.root_cause if problem else None,
        workaround_worked=found["workaround_worked"],
    )


def _read_problem(body: Any) -> Problem | None:
    return Problem.model_validate(from_json(body)) if body else None


async def _actions(
    conn: AsyncConnection, signature_ids: Sequence[str]
) -> Mapping[str, Sequence[Action]]:
    actions: defaultdict[str, list[Action]] = defaultdict(list)
    for one in await rows(conn, _ACTIONS, signature_ids=signature_ids):
        actions[one["signature_id"]].append(Action.model_validate(from_json(one["body"])))
    return actions


async def _fixes(
    conn: AsyncConnection, signature_ids: Sequence[str]
) -> Mapping[str, Sequence[FixCase]]:
    found = await rows(conn, _FIXES, signature_ids=signature_ids)
    if not found:
        return {}
    deployments: defaultdict[FixId, set[Deployment]] = defaultdict(set)
    for one in await rows(conn, _DEPLOYMENTS, signature_ids=signature_ids):
        deployment = Deployment(at=one["deployed_at"], places=tuple(one["places"]))
        deployments[FixId(one["fix_id"])].add(deployment)
    fixes: defaultdict[str, list[FixCase]] = defaultdict(list)
    for one in found:
        fix = Fix.model_validate(from_json(one["body"]))
        fixes[one["signature_id"]].append(FixCase(fix, frozenset(deployments[fix.fix_id])))
    return fixes


async def write_outcomes(conn: AsyncConnection, settled: Collection[tuple[Case, Outcome]]) -> None:
    """Write the problems and fixes that changed."""
    problems = [(case, outcome.problem) for case, outcome in settled if outcome.problem]
    if problems:
        await run(
            conn,
            _WRITE_PROBLEMS,
            problem_ids=[problem.problem_id for _, problem in problems],
            signature_ids=[problem.signature_id for _, problem in problems],
            states=[problem.state.value for _, problem in problems],
            components=[problem.component for _, problem in problems],
            by_hand=[case.by_hand and as_json(case.by_hand) for case, _ in problems],
            bodies=[as_json(problem) for _, problem in problems],
        )
    fixes = [fix for _, outcome in settled for fix in outcome.fixes]
    if fixes:
        await run(
            conn,
            _WRITE_FIXES,
            fix_ids=[fix.fix_id for fix in fixes],
            states=[fix.state.value for fix in fixes],
            observe_until=[fix.observe_until for fix in fixes],
            bodies=[as_json(fix) for fix in fixes],
        )
