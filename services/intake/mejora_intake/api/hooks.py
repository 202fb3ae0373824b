"""Routes for what monitors send in their own words, each at the path that it expects."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, JsonValue

from mejora_events.contracts.access import Scope
from mejora_events.contracts.base import Time
from mejora_events.tracing import current_traceparent
from mejora_intake.api.acknowledging import acknowledge_failure
from mejora_intake.api.taking import (
    Answer,
    DryAnswer,
    ingester,
    may_import,
    may_post_for,
    shown,
    take,
    taken,
)
from mejora_intake.model import Signal
from mejora_intake.sources import KINDS
from mejora_intake.sources.kind import Kind, Message, NotJson, NotUnderstood, Understood
from mejora_intake.sources.reading import first_of, mapping_of
from mejora_service.errors import Invalid, Malformed, NotFound, Problem
from mejora_service.keys import Principal
from mejora_service.web import principal_of, principal_with, reads_body, require, runtime_of

router = APIRouter(tags=["hooks"])

DryRun = Annotated[
    bool, Query(description="Show how the message is understood, and store nothing.")
]
ReceivedAt = Annotated[
    Time | None,
    Query(description="When it came, for history that is imported; needs the scope `operate`"),
]
SourceName = Annotated[
    str | None,
    Query(
        alias="source",
        min_length=1,
        max_length=200,
        description="The name under which its signals are kept, where several monitors are of one"
        " kind; by default the kind's.",
    ),
]


ANY_BODY = reads_body(JsonValue)


class KindShown(BaseModel):
    """A kind of monitor whose messages are understood as they are."""

    name: str
    title: str
    expects: str
    documentation: str
    path: str


@router.get("/v1/sources/kinds")
async def list_kinds(request: Request) -> list[KindShown]:
    """List the kinds of monitors, with what each expects."""
    await principal_of(request)
    return [
        KindShown(
            name=kind.name,
            title=kind.title,
            expects=kind.expects,
            documentation=kind.documentation,
            path=f"/intake/v1/hooks/{kind.name}",
        )
        for kind in sorted(KINDS.values(), key=lambda kind: kind.name)
    ]


@router.post(
    "/v1/hooks/{kind}", status_code=202, response_model=Answer | DryAnswer, openapi_extra=ANY_BODY
)
async def post_hook(
    kind: str,
    request: Request,
    dry_run: DryRun = False,
    received_at: ReceivedAt = None,
    source: SourceName = None,
) -> Response:
    """Take what a monitor of a kind sends, as its vendor describes it."""
    principal = await ingester(request)
    may_import(principal, received_at)
    message = await _message(request, principal, source or _kind(kind).name, received_at)
    return await _understand(request, _kind(kind), message, received_at, dry_run=dry_run)


@router.post(
    "/v1/hooks/{kind}/{key}",
    status_code=202,
    response_model=Answer | DryAnswer,
    openapi_extra=ANY_BODY,
)
async def post_hook_by_secret_path(
    kind: str, key: str, request: Request, dry_run: DryRun = False, source: SourceName = None
) -> Response:
    """Take what a monitor sends that can be given an address and nothing else.

    The address holds an `ingest` key; treat it as the secret it is.
    """
    principal = await principal_with(request, key)
    require(principal, Scope.INGEST)
    message = await _message(request, principal, source or principal.source or _kind(kind).name)
    return await _understand(request, _kind(kind), message, dry_run=dry_run)


@router.post(
    "/api/v2/alerts", status_code=200, response_model=Answer | DryAnswer, openapi_extra=ANY_BODY
)
@router.post(
    "/api/v1/alerts", status_code=200, response_model=Answer | DryAnswer, openapi_extra=ANY_BODY
)
async def post_alerts(
    request: Request, dry_run: DryRun = False, source: SourceName = None
) -> Response:
    """Take what Prometheus sends to Alertmanager's API: `path_prefix: /intake` is all it needs."""
    principal = await ingester(request)
    kind = KINDS["alertmanager_api"]
    message = await _message(request, principal, source or principal.source or kind.name)
    answer = await _understand(request, kind, message, dry_run=dry_run)
    answer.status_code = HTTPStatus.OK
    return answer


@router.post("/v2/enqueue", status_code=202, openapi_extra=ANY_BODY)
@router.post("/v2/change/enqueue", status_code=202, openapi_extra=ANY_BODY)
async def enqueue(request: Request, dry_run: DryRun = False) -> Response:
    """Take what is sent to PagerDuty's Events API v2; an `ingest` key is the routing key.

    Answers as PagerDuty documents it, so that its clients need another address and nothing else.
    """
    kind = KINDS["pagerduty_events_v2"]
    try:
        event = mapping_of(Message(await request.body(), kind.name, _now(request)).json())
        routing_key = first_of(event, "routing_key")
        principal = await (
            principal_with(request, routing_key) if routing_key else principal_of(request)
        )
        require(principal, Scope.INGEST)
        message = await _message(request, principal, principal.source or kind.name)
        understood = kind.read(message)
    except (NotUnderstood, Problem) as error:
        return JSONResponse(
            {"status": "invalid event", "message": "Event object is invalid", "errors": [
                error.detail if isinstance(error, Problem) else str(error)
            ]},
            status_code=HTTPStatus.BAD_REQUEST,
        )  # fmt: skip
    if dry_run:
        return shown(understood.signals, understood.remarks)
    await taken(request, _hopped(understood))
    fingerprints = (signal.fingerprint for signal in understood.signals)
    dedup_key = first_of(event, "dedup_key") or next(fingerprints, "")
    if first_of(event, "event_action").lower() == "acknowledge":
        await acknowledge_failure(request, principal, message.source, dedup_key[:500])
    answer = {"status": "success", "message": "Event processed"}
    if dedup_key:
        answer["dedup_key"] = dedup_key
    return JSONResponse(answer, status_code=HTTPStatus.ACCEPTED)


_ALIASES: Mapping[str, str] = {
    "prometheus": "alertmanager",
    "cloudwatch": "aws_cloudwatch_sns",
    "sns": "aws_cloudwatch_sns",
    "azure": "azure_monitor",
    "otlp": "opentelemetry",
    "new_relic": "newrelic",
    "healthchecks_io": "healthchecks",
    "icinga2": "icinga",
}


def _kind(name: str) -> Kind:
    plain = name.lower().replace("-", "_").replace(".", "_")
    kind = KINDS.get(_ALIASES.get(plain, plain))
    if kind is None:
        raise NotFound(
            f"No kind of monitor is called {name!r}.",
            advice=f"These are known: {', '.join(sorted(KINDS))}; or POST /intake/v1/signals.",
        )
    return kind


async def _message(
    request: Request, principal: Principal, source: str, received_at: Time | None = None
) -> Message:
    may_post_for(principal, source)
    return Message(await request.body(), source, received_at or _now(request), request.headers)


def _now(request: Request) -> Time:
    return runtime_of(request).clock.now()


async def _understand(
    request: Request,
    kind: Kind,
    message: Message,
    received_at: Time | None = None,
    *,
    dry_run: bool,
) -> Response:
    try:
        understood = kind.read(message)
    except NotJson as error:
        raise Malformed(f"This cannot be read: {error}.", advice="Send it as JSON.") from error
    except NotUnderstood as error:
        raise Invalid(
            f"This is no message of {kind.title}: {error}.",
            advice=f"What it should be is described at {kind.documentation}; nothing was stored.",
        ) from error
    if dry_run:
        return shown(understood.signals, understood.remarks)
    return await take(request, _hopped(understood, received_at), understood.remarks)


def _hopped(understood: Understood, received_at: Time | None = None) -> list[Signal]:
    hop = current_traceparent()
    return [
        replace(signal, received_at=received_at, traceparent=hop) for signal in understood.signals
    ]
