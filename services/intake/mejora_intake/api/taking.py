"""What all routes by which signals come in have in common: who may, and the answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from mejora_events.contracts.access import Scope
from mejora_events.contracts.base import Link, Origin, Severity, Time
from mejora_intake.api.at_work import at_work
from mejora_intake.api.folding import Taken
from mejora_intake.model import Disposition, Signal, SignalState
from mejora_intake.timing import is_of_a_clock
from mejora_service.errors import Forbidden, Invalid
from mejora_service.keys import Principal
from mejora_service.web import principal_of, require, runtime_of


class SignalAnswer(BaseModel):
    """What became of a signal."""

    id: str
    fingerprint: str
    disposition: Disposition
    rule: str
    incident_id: UUID | None
    repeated_delivery: bool


class SignalShown(BaseModel):
    """A signal as it was understood."""

    source: str
    id: str
    fingerprint: str
    component: str
    summary: str
    description: str
    state: SignalState
    severity: Severity
    started_at: Time
    ended_at: Time | None
    origin: Origin
    labels: dict[str, str]
    links: tuple[Link, ...]
    body: Any
    """What arrived, as it came."""


class Answer(BaseModel):
    """What became of each signal, in the order in which they came."""

    signals: list[SignalAnswer]
    remarks: list[str] = []
    """What could not be understood, and was left out or guessed."""


class DryAnswer(BaseModel):
    """The signals as they were understood; nothing was stored."""

    signals: list[SignalShown]
    remarks: list[str] = []


async def ingester(request: Request, *, customers_too: bool = False) -> Principal:
    """Tell who posts; raises Unauthorised and Forbidden."""
    principal = await principal_of(request)
    require(principal, Scope.INGEST, customer_aware=customers_too)
    return principal


def may_post_for(principal: Principal, source: str) -> None:
    """Raise Forbidden when a key is tied to another source."""
    if principal.source is not None and principal.source != source:
        raise Forbidden(
            f"This key posts for the source {principal.source!r} only.",
            advice=f"Post for it, or use a key for {source!r}.",
        )


def may_import(principal: Principal, received_at: datetime | None) -> None:
    """Raise Forbidden when history is imported by somebody who may not; Invalid when it is none."""
    if received_at is None:
        return
    require(principal, Scope.OPERATE)
    if not is_of_a_clock(received_at):
        raise Invalid(
            "received_at: nothing came before there were such clocks, or comes in the year 9000.",
            advice="Say when it came, or leave it out, which means now. Nothing was stored.",
        )


async def taken(request: Request, signals: Sequence[Signal]) -> Sequence[Taken]:
    """Have signals taken; tell, once they are committed, what became of each."""
    return await at_work(runtime_of(request)).coalescer.submit(signals)


async def take(request: Request, signals: Sequence[Signal], remarks: Sequence[str]) -> Response:
    """Have signals taken, and answer with what became of each."""
    return accepted(signals, await taken(request, signals), remarks)


def accepted(
    signals: Sequence[Signal], became: Sequence[Taken], remarks: Sequence[str]
) -> Response:
    """Answer with what became of each signal."""
    answers: list[dict[str, Any]] = [
        {
            "id": signal.id,
            "fingerprint": signal.fingerprint,
            "disposition": t.disposition,
            "rule": t.rule,
            "incident_id": t.incident_id,
            "repeated_delivery": t.repeated_delivery,
        }
        for signal, t in zip(signals, became, strict=True)
    ]
    return Response(
        orjson.dumps({"signals": answers, "remarks": list(remarks)}, default=str),
        status_code=202,
        media_type="application/json",
    )


def shown(signals: Sequence[Signal], remarks: Sequence[str]) -> Response:
    """Show signals as they were understood."""
    answer = DryAnswer(
        signals=[
            SignalShown(
                **{
                    name: getattr(signal, name)
                    for name in SignalShown.model_fields
                    if name not in ("labels", "body")
                },
                labels=dict(signal.labels or {}),
                body=orjson.loads(signal.body),
            )
            for signal in signals
        ],
        remarks=list(remarks),
    )
    return Response(answer.model_dump_json(), status_code=200, media_type="application/json")
