"""What happened, as the improvement service hears of it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from mejora_events.contracts.base import Channel, EventData, Money, Origin, Severity
from mejora_events.contracts.catalogue import CatalogueEntityChanged, Component, Contract, Entity
from mejora_events.contracts.diagnoses import (
    Affected,
    Diagnosis,
    DiagnosisEstablished,
    FailurePoint,
    Grading,
    KnownError,
    Recommendation,
    Scope,
    ScopeKind,
    Signature,
)
from mejora_events.contracts.fixes import Fix, FixState
from mejora_events.contracts.incidents import Incident, IncidentReported, IncidentState
from mejora_events.contracts.problems import (
    Action,
    OpenedBecause,
    Problem,
    ProblemState,
)
from mejora_events.contracts.workarounds import Workaround, WorkaroundState
from mejora_events.envelope import Event
from mejora_events.ids import (
    ActionId,
    DiagnosisId,
    EventId,
    FixId,
    IncidentId,
    ProblemId,
    WorkaroundId,
    new_id,
)
from mejora_events.sql import rows
from mejora_events.store import Store
from mejora_improvement.reactions import reactions

DAY_ONE = datetime(2026, 1, 1, tzinfo=UTC)


def minute(number: float) -> datetime:
    """Give a moment, in minutes after the first day began."""
    return DAY_ONE + timedelta(minutes=number)


def day(number: float) -> datetime:
    """Give a moment, in days after the first."""
    return DAY_ONE + timedelta(days=number)


def after(moment: datetime, minutes: float | None) -> datetime | None:
    """Give the moment so many minutes later; none stays none."""
    return None if minutes is None else moment + timedelta(minutes=minutes)


def euros(amount: str | int) -> Money:
    """Give an amount of euros."""
    return Money(amount=Decimal(amount), currency="EUR")


def an_incident(
    number: int,
    start: datetime,
    *,
    reported: float = 1.0,
    acknowledged: float | None = None,
    restored: float | None = 30.0,
    component: str = "checkout",
    origin: Origin = Origin.INTERNAL,
    channel: Channel | None = Channel.RESTORE,
    version: int = 1,
) -> Incident:
    """Give an incident; what happened in it is in minutes after the failure started."""
    return Incident(
        incident_id=IncidentId(UUID(int=number)),
        version=version,
        state=IncidentState.REPORTED if restored is None else IncidentState.RESTORED,
        source="alertmanager",
        fingerprint=str(number),
        component=component,
        summary="connections refused",
        severity=Severity.ERROR,
        origin=origin,
        started_at=start,
        reported_at=start + timedelta(minutes=reported),
        acknowledged_at=after(start, acknowledged),
        restored_at=after(start, restored),
        channel=channel if restored is not None else None,
        lost_seconds=max(0.0, restored * 60) if restored is not None else 0.0,
    )


def a_diagnosis(
    incident: Incident,
    *,
    signature: str = "refused",
    completed: float | None = None,
    failure_point: str | None = None,
    pulled_down_with: tuple[Incident, ...] = (),
    processes: tuple[str, ...] = (),
    customers: tuple[str, ...] = (),
    contracts: tuple[str, ...] = (),
    cost_per_minute: Money | None = None,
    known_error: bool = False,
    grading: Grading | None = None,
    version: int = 1,
) -> Diagnosis:
    """Give an incident's diagnosis; completed so many minutes after the failure started."""
    return Diagnosis(
        diagnosis_id=DiagnosisId(incident.incident_id),
        incident_id=incident.incident_id,
        version=version,
        signature=Signature(signature_id=signature, template="connections refused by <host>"),
        component=incident.component,
        summary=incident.summary,
        severity=incident.severity,
        origin=incident.origin,
        started_at=incident.started_at,
        reported_at=incident.reported_at,
        established_at=incident.reported_at,
        failure_point=FailurePoint(
            component=failure_point or incident.component,
            cascade=tuple(other.incident_id for other in pulled_down_with),
        ),
        scope=Scope(kind=ScopeKind.BOUNDED, affected=1, could_be_affected=3),
        affected=Affected(processes=processes, customers=customers, contracts=contracts),
        impact=3,
        urgency=3,
        priority=3,
        known_error=KnownError(problem_id=ProblemId(UUID(int=1))) if known_error else None,
        recommendation=Recommendation(channel=Channel.RESTORE, reasons=("no alternate",)),
        completed_at=after(incident.started_at, completed),
        cost_per_minute=cost_per_minute,
        grading=grading,
    )


def a_workaround(
    number: int,
    incident: Incident,
    applied: datetime,
    *,
    signature: str = "refused",
    due: datetime | None = None,
    failed: datetime | None = None,
    retired: datetime | None = None,
    version: int = 1,
) -> Workaround:
    """Give a workaround that was applied to an incident."""
    return Workaround(
        workaround_id=WorkaroundId(UUID(int=number)),
        incident_id=incident.incident_id,
        version=version,
        state=WorkaroundState.RETIRED if retired else WorkaroundState.APPLIED,
        signature_id=signature,
        component=incident.component,
        description="serve from the second site",
        owner="payments",
        applied_at=applied,
        applied_by="key:operator",
        due_at=due or applied + timedelta(days=30),
        failed_at=failed,
        retired_at=retired,
    )


def a_problem(
    number: int,
    opened: datetime,
    *,
    signature: str = "refused",
    state: ProblemState = ProblemState.OPEN,
    actions_due: Sequence[datetime] = (),
    version: int = 1,
) -> Problem:
    """Give a problem."""
    return Problem(
        problem_id=ProblemId(UUID(int=number)),
        version=version,
        state=state,
        signature_id=signature,
        template="connections refused by <host>",
        component="checkout",
        title="connections refused",
        priority=3,
        opened_at=opened,
        opened_because=OpenedBecause.SECOND_INCIDENT,
        incidents=2,
        actions=tuple(
            Action(action_id=ActionId(UUID(int=n)), description="x", owner="payments", due_at=due)
            for n, due in enumerate(actions_due)
        ),
    )


def a_fix(
    number: int,
    problem: Problem,
    planned: datetime,
    *,
    state: FixState = FixState.PLANNED,
    due: datetime | None = None,
    deployed: datetime | None = None,
    judged: datetime | None = None,
    cost: Money | None = None,
    version: int = 1,
) -> Fix:
    """Give a permanent fix of a problem; `judged` is when it was verified or regressed."""
    return Fix(
        fix_id=FixId(UUID(int=number)),
        problem_id=problem.problem_id,
        version=version,
        state=state,
        signature_id=problem.signature_id,
        component=problem.component,
        description="a larger pool",
        owner="payments",
        carried_by="2.4.1",
        estimated_cost=cost,
        planned_at=planned,
        due_at=due,
        deployed_at=deployed,
        verified_at=judged if state is FixState.VERIFIED else None,
        regressed_at=judged if state is FixState.REGRESSED else None,
    )


def a_contract(
    customer: str,
    processes: tuple[str, ...],
    *,
    promised: float = 0.99,
    penalty: Money | None = None,
) -> CatalogueEntityChanged:
    """Give news of a contract with a customer."""
    return in_catalogue(
        Contract(
            name=f"{customer}-gold",
            customer=customer,
            processes=processes,
            availability_promised=promised,
            penalty_per_minute=penalty,
        )
    )


def a_component(name: str, handling_per_hour: Money) -> CatalogueEntityChanged:
    """Give news of what handling a component's failures costs."""
    return in_catalogue(Component(name=name, handling_rate_per_hour=handling_per_hour))


def in_catalogue(entity: Entity, version: int = 1) -> CatalogueEntityChanged:
    """Give news of an entity."""
    return CatalogueEntityChanged(entity=entity, version=version, changed_at=DAY_ONE)


def told(data: EventData, event_id: UUID | None = None) -> Event[Any]:
    """Give an event as it comes from the broker."""
    return Event(
        id=EventId(event_id or new_id()),
        source="/mejora/test",
        type=data.TYPE,
        time=DAY_ONE,
        subject=data.key(),
        topic=data.TOPIC,
        key=data.key(),
        data=data,
        correlation_id=data.key(),
    )


async def tell(store: Store, *said: EventData | Event[Any]) -> None:
    """Let events take effect in one transaction, those of one type that follow another at once."""
    events = [one if isinstance(one, Event) else told(one) for one in said]
    table = reactions(None)
    async with store.begin(actor="mejora") as work:
        for contract, run_of in groupby(events, key=lambda event: type(event.data)):
            await table[contract](work, list(run_of))


async def failed(
    store: Store, incident: Incident, diagnosis: Diagnosis | None = None, **known: Any
) -> Incident:
    """Let the service hear of an incident and its diagnosis."""
    diagnosis = diagnosis or a_diagnosis(incident, **known)
    await tell(
        store, IncidentReported(incident=incident), DiagnosisEstablished(diagnosis=diagnosis)
    )
    return incident


_NEXT = "select cast(pg_snapshot_xmax(pg_current_snapshot()) as text) as xid"
_OVER = """
select pg_snapshot_xmin(pg_current_snapshot()) >= cast(cast(:xid as text) as xid8) as over
"""


async def settled(store: Store) -> None:
    """Wait until every transaction that has begun is over, so that the feed shows it.

    Transactions of the whole server count, those of the frame at its start among them.
    """
    async with asyncio.timeout(10), store.read() as conn:
        next_xid = (await rows(conn, _NEXT))[0]["xid"]
        while not (await rows(conn, _OVER, xid=next_xid))[0]["over"]:
            await asyncio.sleep(0.01)
