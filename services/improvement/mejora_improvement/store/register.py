"""The improvement register: each improvement's newest snapshot."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.base import Money
from mejora_events.contracts.improvements import Improvement, ImprovementEvent, ImprovementState
from mejora_events.ids import ProblemId
from mejora_events.sql import as_json, from_json, row, rows, run
from mejora_events.store import Work
from mejora_improvement.model.period import Period
from mejora_improvement.model.proposals import RecurringProblem
from mejora_improvement.store.slices import CHARGES, bound_labour

# Puts a new improvement on the register, or its next version in the place of the one before.
_PUT = """
insert into improvement (improvement_id, version, state, problem_id, proposed_by, body)
values (:improvement_id, :version, :state, :problem_id, :proposed_by, cast(:body as jsonb))
on conflict (improvement_id) do update
set version = excluded.version, state = excluded.state, body = excluded.body
"""

_ONE = "select body from improvement where improvement_id = :improvement_id"
_ONE_LOCKED = _ONE + " for update"

# Newest first.
_LIST = """
select body from improvement
where (cast(:after as uuid) is null or improvement_id < :after)
  and (cast(:state as text) is null or state = :state)
order by improvement_id desc
limit :limit
"""

# Unresolved problems that no improvement is under way for or was rejected for, and what their
# incidents of the window did.
_RECURRING = f"""
select p.problem_id, p.title, p.component, p.owner, count(*) as incidents,
       sum(i.lost_seconds) as lost_seconds, (
           select json_agg(json_build_object('amount', cast(paid.amount as text),
                                             'currency', paid.currency))
           from (
               select charge.currency, sum(charge.amount) as amount
               from {CHARGES} charge
               where charge.incident_id = any (array_agg(i.incident_id))
               group by charge.currency
           ) as paid
       ) as costs
from measured_problem p
join measured_diagnosis d on d.signature_id = p.signature_id
join measured_incident i on i.incident_id = d.incident_id
where p.state <> 'resolved' and i.started_at >= :start and i.started_at < :end
  and not exists (
      select from improvement m where m.problem_id = p.problem_id and m.state <> 'realised'
  )
group by p.problem_id
having count(*) >= :least
"""

_OPEN_BY = """
select count(*) as open from improvement where proposed_by = :proposed_by and state = 'proposed'
"""


async def put(work: Work, event: ImprovementEvent, happened_at: datetime) -> Improvement:
    """Keep what an event says about an improvement, and send the event."""
    improvement = event.improvement
    await run(
        work.conn,
        _PUT,
        improvement_id=improvement.improvement_id,
        version=improvement.version,
        state=improvement.state,
        problem_id=improvement.problem_id,
        proposed_by=improvement.proposed_by,
        body=as_json(improvement),
    )
    correlation = improvement.problem_id or improvement.improvement_id
    work.emit(event, at=happened_at, correlation=correlation)
    return improvement


async def find(conn: AsyncConnection, improvement_id: UUID) -> Improvement | None:
    """Give an improvement, if there is one of that id."""
    found = await row(conn, _ONE, improvement_id=improvement_id)
    return _read(found["body"]) if found else None


async def lock(work: Work, improvement_id: UUID) -> Improvement | None:
    """Give an improvement that is about to be changed, so that nobody else changes it meanwhile."""
    found = await row(work.conn, _ONE_LOCKED, improvement_id=improvement_id)
    return _read(found["body"]) if found else None


async def listed(
    conn: AsyncConnection, state: ImprovementState | None, after: UUID | None, limit: int
) -> Sequence[Improvement]:
    """List improvements, newest first."""
    found = await rows(conn, _LIST, state=state, after=after, limit=limit)
    return [_read(r["body"]) for r in found]


async def recurring_problems(
    conn: AsyncConnection, window: Period, least: int, labour: Money | None
) -> Sequence[RecurringProblem]:
    """Give the unresolved problems that kept coming back and that nothing is proposed for."""
    found = await rows(
        conn,
        _RECURRING,
        start=window.start,
        end=window.end,
        least=least,
        **bound_labour(labour),
    )
    return [
        RecurringProblem(
            problem_id=ProblemId(r["problem_id"]),
            title=r["title"],
            component=r["component"],
            owner=r["owner"],
            incidents=r["incidents"],
            lost_seconds=r["lost_seconds"],
            costs=tuple(Money(**money) for money in from_json(r["costs"]) or ()),
        )
        for r in found
    ]


async def open_proposals(conn: AsyncConnection, proposed_by: str) -> int:
    """Count the proposals of one proposer that nobody has decided on."""
    open_: int = (await rows(conn, _OPEN_BY, proposed_by=proposed_by))[0]["open"]
    return open_


def _read(body: object) -> Improvement:
    return Improvement.model_validate(from_json(body))
