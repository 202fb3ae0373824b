"""Incidents, diagnoses, workarounds and changes as the problem service hears of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from mejora_events.contracts import TYPES
from mejora_events.contracts.base import Channel, EventData, Money, Origin, Severity
from mejora_events.contracts.changes import ChangeKind, ChangeRecorded
from mejora_events.contracts.diagnoses import (
    Affected,
    Diagnosis,
    FailurePoint,
    Recommendation,
    Scope,
    ScopeKind,
    Signature,
)
from mejora_events.contracts.fixes import Fix, FixState
from mejora_events.contracts.incidents import Incident, IncidentState
from mejora_events.contracts.workarounds import Workaround, WorkaroundState
from mejora_events.envelope import Event
from mejora_events.ids import (
    ChangeId,
    DiagnosisId,
    EventId,
    FixId,
    IncidentId,
    ProblemId,
    WorkaroundId,
    new_id,
)
from mejora_events.reactions import waves
from mejora_events.sql import from_json, rows
from mejora_events.store import Store
from mejora_problem.model.occurrences import (
    Fault,
    Occurrence,
    fault_of,
    hear_diagnosis,
    hear_incident,
)
from mejora_problem.reactions import REACTIONS

DAY_ONE = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    """Give a moment, in days after the first."""
    return DAY_ONE + timedelta(days=number)


def an_id(number: int) -> UUID:
    """Give the same id for the same number."""
    return UUID(int=number)


def an_incident(
    number: int,
    at: float,
    *,
    version: int = 1,
    host: str = "host-a",
    state: IncidentState = IncidentState.REPORTED,
    minutes: float = 0.0,
    handled_minutes: float | None = None,
) -> Incident:
    """Give an incident that started on a day and lost so many minutes."""
    over = day(at) + timedelta(minutes=minutes)
    handled = timedelta(minutes=handled_minutes) if handled_minutes is not None else None
    return Incident(
        incident_id=IncidentId(an_id(number)),
        version=version,
        state=state,
        source="alertmanager",
        fingerprint=str(number),
        component="checkout",
        summary="connections refused",
        severity=Severity.ERROR,
        origin=Origin.INTERNAL,
        labels={"instance": host},
        started_at=day(at),
        reported_at=day(at),
        acknowledged_at=over - handled if handled is not None else None,
        restored_at=over if state is not IncidentState.REPORTED else None,
        lost_seconds=minutes * 60,
    )


def a_diagnosis(
    number: int,
    at: float,
    *,
    version: int = 1,
    priority: int = 3,
    signature: str = "refused",
    owner: str | None = "payments team",
    cost_per_minute: Money | None = None,
    contracts: tuple[str, ...] = (),
) -> Diagnosis:
    """Give the diagnosis of an incident that started on a day."""
    return Diagnosis(
        diagnosis_id=DiagnosisId(an_id(10_000 + number)),
        incident_id=IncidentId(an_id(number)),
        version=version,
        signature=Signature(signature_id=signature, template="connections refused by <host>"),
        component="checkout",
        summary="connections refused",
        severity=Severity.ERROR,
        origin=Origin.INTERNAL,
        started_at=day(at),
        reported_at=day(at),
        established_at=day(at),
        failure_point=FailurePoint(component="database"),
        scope=Scope(kind=ScopeKind.BOUNDED, affected=1, could_be_affected=3),
        affected=Affected(contracts=contracts),
        impact=priority,
        urgency=priority,
        priority=priority,
        owner=owner,
        recommendation=Recommendation(channel=Channel.RESTORE, reasons=("no alternate",)),
        cost_per_minute=cost_per_minute,
    )


def a_fault(
    number: int,
    at: float,
    *,
    host: str = "host-a",
    minutes: float = 0.0,
    handled_minutes: float | None = None,
    priority: int = 3,
    cost_per_minute: Money | None = None,
    contracts: tuple[str, ...] = (),
) -> Fault:
    """Give an incident that was restored, with its diagnosis."""
    known = Occurrence(incident_id=IncidentId(an_id(number)))
    restored = an_incident(
        number,
        at,
        host=host,
        state=IncidentState.RESTORED,
        minutes=minutes,
        handled_minutes=handled_minutes,
    )
    diagnosis = a_diagnosis(
        number, at, priority=priority, cost_per_minute=cost_per_minute, contracts=contracts
    )
    known = hear_diagnosis(hear_incident(known, restored), diagnosis, day(at))
    fault = fault_of(known)
    assert fault is not None
    return fault


def faults_at(days: Iterable[float], *, host: str = "host-a", first: int = 1) -> tuple[Fault, ...]:
    """Give an incident on each of these days."""
    return tuple(a_fault(first + place, at, host=host) for place, at in enumerate(days))


def a_workaround(
    number: int,
    at: float,
    *,
    version: int = 1,
    state: WorkaroundState = WorkaroundState.APPLIED,
    signature: str = "refused",
    due: float = 30.0,
) -> Workaround:
    """Give a workaround that was applied on a day."""
    return Workaround(
        workaround_id=WorkaroundId(an_id(20_000 + number)),
        incident_id=IncidentId(an_id(number)),
        version=version,
        state=state,
        signature_id=signature,
        component="checkout",
        description="serve from the second site",
        owner="payments team",
        applied_at=day(at),
        applied_by="key:operator",
        due_at=day(due),
        failed_at=day(at) if state is WorkaroundState.FAILED else None,
    )


def a_change(
    number: int, at: float, *, version: str = "2.4.1", instances: tuple[str, ...] = ()
) -> ChangeRecorded:
    """Give a deployment of a version of the database."""
    return ChangeRecorded(
        change_id=ChangeId(an_id(30_000 + number)),
        component="database",
        kind=ChangeKind.DEPLOYMENT,
        version=version,
        changed_at=day(at),
        changed_by="pipeline",
        instances=instances,
    )


def a_fix(number: int = 1, *, planned: float = 5.0, cost: Money | None = None) -> Fix:
    """Give a planned fix that version 2.4.1 of the database carries."""
    return Fix(
        fix_id=FixId(an_id(40_000 + number)),
        problem_id=ProblemId(an_id(50_000)),
        version=0,
        state=FixState.PLANNED,
        signature_id="refused",
        component="database",
        description="a larger connection pool",
        owner="payments team",
        carried_by="2.4.1",
        estimated_cost=cost,
        planned_at=day(planned),
    )


def euros(amount: str | int) -> Money:
    """Give an amount of euros."""
    return Money(amount=Decimal(amount), currency="EUR")


def told(data: EventData) -> Event[Any]:
    """Give an event as it comes from the broker."""
    return Event(
        id=EventId(new_id()),
        source="/mejora/test",
        type=data.TYPE,
        time=DAY_ONE,
        subject=data.key(),
        topic=data.TOPIC,
        key=data.key(),
        data=data,
        correlation_id=data.key(),
    )


async def tell(store: Store, *said: EventData) -> None:
    """Let events take effect as the consumer does with a batch: in one transaction."""
    async with store.begin(actor="problem") as work:
        for reaction, group in waves([told(data) for data in said], REACTIONS):
            await reaction(work, group)


async def emitted(store: Store) -> list[EventData]:
    """Give what waits in the outbox to be published, in order."""
    async with store.read() as conn:
        found = await rows(conn, "select headers, value from outbox order by seq")
    return [
        TYPES[from_json(one["headers"])["ce_type"]].model_validate_json(one["value"])
        for one in found
    ]
