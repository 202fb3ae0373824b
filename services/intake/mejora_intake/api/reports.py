"""The route for what people and customers say that fails, and the signals that it makes."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from msgspec import structs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from mejora_events.contracts.base import Origin, Severity, Time
from mejora_events.ids import new_id
from mejora_events.tracing import current_traceparent
from mejora_intake.accounts import failure_reported
from mejora_intake.api.admission import may_come
from mejora_intake.api.at_work import at_work
from mejora_intake.api.signals import Name, Text
from mejora_intake.api.taking import Answer, ingester, may_import, take
from mejora_intake.model import UNNAMED, Signal, SignalState
from mejora_intake.noticing import NO_CUSTOMER
from mejora_intake.sources.reading import any_time_of, text_of
from mejora_service.keys import Principal
from mejora_service.web import runtime_of

router = APIRouter(tags=["signals"])

Reporter = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Component = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


def _as_written(value: object) -> object:
    """Read a time as people write it, in UTC where they name no zone."""
    return (any_time_of(value) or value) if isinstance(value, str) else value


Moment = Annotated[Time | None, BeforeValidator(_as_written)]

_MOST_CHARACTERS = 100_000


class ReportPosted(BaseModel):
    """What a person or a customer says that fails, or an entry of a log of what failed."""

    model_config = ConfigDict(extra="forbid")

    component: Component = ""
    """What they could not use, in their own words or the catalogue's, if they can tell."""
    summary: Text
    description: str = ""
    origin: Origin = Origin.CUSTOMER
    severity: Severity = Severity.UNKNOWN
    started_at: Moment = None
    """Makes it an account of a failure of its own: it joins no other report in the same words."""
    ended_at: Moment = None
    id: Name | None = None
    """Names the report; give the same one when it is sent again, or told anew with its end."""
    reporter: Reporter = ""
    """A role or a customer, so that somebody can ask back."""
    site: Reporter = ""
    """Where they are: a branch, a location."""
    affected_users: Annotated[int, Field(ge=1, le=10**12 - 1)] | None = None
    """How many people it keeps from their work, as far as they know."""
    received_at: Moment = None
    """When it came, for history that is imported; needs the scope `operate`."""


@router.post("/v1/reports", status_code=202, response_model=Answer)
async def post_report(report: ReportPosted, request: Request) -> Response:
    """Take what a person or a customer says, or an entry of a log of incidents.

    Reports without `started_at` in the same words are about the same failure. With it, each is a
    failure of its own, told apart by `id`, or by component, summary and start where it has none.
    """
    principal = await ingester(request, customers_too=True)
    may_import(principal, report.received_at)
    entry_of = None if principal.customer else report.started_at
    signals = signals_of(request, report, principal, entry_of=entry_of)
    may_come(request, principal, signals)
    return await take(request, signals, _remarks(report))


def signals_of(
    request: Request,
    report: ReportPosted,
    principal: Principal,
    *,
    entry_of: datetime | None = None,
) -> list[Signal]:
    """Give what a report says: that something fails, and that it is over when it is.

    What is said with a customer's key is what the customer says. With a time, the report is an
    account of the failure that started then.
    """
    component = text_of(report.component) or UNNAMED
    summary, named = text_of(report.summary), text_of(report.id)
    now = report.received_at or runtime_of(request).clock.now()
    signal = Signal(
        source=text_of(principal.source or principal.customer or NO_CUSTOMER),
        id=named or str(new_id()),
        fingerprint=failure_reported(component, summary, entry=named, started_at=entry_of),
        component=component,
        summary=summary,
        description=text_of(report.description, _MOST_CHARACTERS),
        state=SignalState.FIRING,
        severity=report.severity,
        started_at=report.started_at or now,
        ended_at=report.ended_at,
        origin=Origin.CUSTOMER if principal.customer else report.origin,
        labels=_labels(report, principal),
        body=report.model_dump_json(exclude_unset=True).encode(),
        received_at=report.received_at,
        traceparent=current_traceparent(),
    )
    signals = [signal] if report.ended_at is None else [signal, _ended(signal, report.ended_at)]
    return at_work(runtime_of(request)).sources.declared.identified(signals)


def _remarks(report: ReportPosted) -> list[str]:
    if len(report.description) <= _MOST_CHARACTERS:
        return []
    return [f"the description was cut to {_MOST_CHARACTERS:,} characters"]


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
    return structs.replace(
        signal,
        id=f"{signal.id}:resolved",
        state=SignalState.RESOLVED,
        received_at=max(signal.received_at, ended_at) if signal.received_at else None,
    )
