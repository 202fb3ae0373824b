"""The route for what people and customers say that fails, and the signals that it makes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mejora_events.contracts.base import Origin, Severity, Time
from mejora_events.ids import new_id
from mejora_events.tracing import current_traceparent
from mejora_intake.api.admission import may_come
from mejora_intake.api.signals import Description, Name, Text
from mejora_intake.api.taking import Answer, ingester, may_import, take
from mejora_intake.model import Signal, SignalState
from mejora_intake.noticing import NO_CUSTOMER
from mejora_intake.sources.reading import digest, text_of
from mejora_service.keys import Principal
from mejora_service.web import runtime_of

router = APIRouter(tags=["signals"])

Reporter = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class ReportPosted(BaseModel):
    """What a person or a customer says that fails."""

    model_config = ConfigDict(extra="forbid")

    component: Name
    """What they could not use, in their own words or the catalogue's."""
    summary: Text
    description: Description = ""
    origin: Origin = Origin.CUSTOMER
    severity: Severity = Severity.UNKNOWN
    started_at: Time | None = None
    ended_at: Time | None = None
    id: Name | None = None
    reporter: Reporter = ""
    """A role or a customer, so that somebody can ask back."""
    site: Reporter = ""
    """Where they are: a branch, a location."""
    affected_users: Annotated[int, Field(ge=1, le=10**12 - 1)] | None = None
    """How many people it keeps from their work, as far as they know."""
    received_at: Time | None = None
    """When it came, for history that is imported; needs the scope `operate`."""


@router.post("/v1/reports", status_code=202, response_model=Answer)
async def post_report(report: ReportPosted, request: Request) -> Response:
    """Take what a person or a customer says."""
    principal = await ingester(request, customers_too=True)
    may_import(principal, report.received_at)
    signals = signals_of(report, principal, runtime_of(request).clock.now())
    may_come(request, principal, signals)
    return await take(request, signals, [])


def signals_of(report: ReportPosted, principal: Principal, now: datetime) -> list[Signal]:
    """Give what a report says: that something fails, and that it is over when it is.

    What is said with a customer's key is what the customer says.
    """
    now = report.received_at or now
    signal = Signal(
        source=text_of(principal.source or principal.customer or NO_CUSTOMER),
        id=text_of(report.id) or str(new_id()),
        fingerprint=digest(report.component.lower(), report.summary.lower()),
        component=text_of(report.component),
        summary=text_of(report.summary),
        description=text_of(report.description, 100_000),
        state=SignalState.FIRING,
        severity=report.severity,
        started_at=report.started_at or now,
        ended_at=None,
        origin=Origin.CUSTOMER if principal.customer else report.origin,
        labels=_labels(report, principal),
        body=report.model_dump_json(exclude_unset=True).encode(),
        received_at=report.received_at,
        traceparent=current_traceparent(),
    )
    return [signal] if report.ended_at is None else [signal, _ended(signal, report.ended_at)]


def _labels(report: ReportPosted, principal: Principal) -> dict[str, str]:
    labels = {
        "reporter": text_of(report.reporter),
        "customer": text_of(principal.customer or ""),
        "site": text_of(report.site),
        "affected_users": str(report.affected_users or ""),
    }
    return {name: value for name, value in labels.items() if value}


def _ended(signal: Signal, ended_at: datetime) -> Signal:
    """Give the signal that says that what a report tells of is over."""
    return Signal(
        source=signal.source,
        id=f"{signal.id}:resolved",
        fingerprint=signal.fingerprint,
        component=signal.component,
        summary=signal.summary,
        state=SignalState.RESOLVED,
        severity=signal.severity,
        started_at=signal.started_at,
        ended_at=ended_at,
        origin=signal.origin,
        body=signal.body,
        received_at=max(signal.received_at, ended_at) if signal.received_at else None,
        traceparent=signal.traceparent,
    )
