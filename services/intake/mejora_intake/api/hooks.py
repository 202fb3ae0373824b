"""Routes for what monitors send in their own words, each at the path that it expects."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from msgspec import structs
from pydantic import BaseModel, JsonValue

from mejora_events.contracts.base import Time
from mejora_events.tracing import current_traceparent
from mejora_intake.api.acknowledging import acknowledge_failure
from mejora_intake.api.admission import Asked, admit, as_text, spend
from mejora_intake.api.at_work import at_work
from mejora_intake.api.taking import Answer, DryAnswer, shown, take, taken
from mejora_intake.model import Signal
from mejora_intake.sources.kind import Message, NotJson, NotUnderstood, Understood
from mejora_intake.sources.reading import first_of, mapping_of
from mejora_service.errors import Invalid, Malformed, Problem
from mejora_service.web import reads_body, runtime_of

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
TRIED: dict[int | str, dict[str, Any]] = {
    200: {"model": DryAnswer, "description": "What `dry_run` shows"}
}


class EventAnswer(BaseModel):
    """What PagerDuty says of an event that it takes."""

    status: Literal["success"]
    message: str
    dedup_key: str = ""


class EventRefused(BaseModel):
    """What PagerDuty says of an event that it cannot take."""

    status: Literal["invalid event"]
    message: str
    errors: list[str]


REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": EventRefused, "description": "Why the event is not taken"}
}


@router.post(
    "/v1/hooks/{name}",
    status_code=202,
    response_model=Answer,
    responses=TRIED,
    openapi_extra=ANY_BODY,
)
async def post_hook(
    name: str,
    request: Request,
    dry_run: DryRun = False,
    received_at: ReceivedAt = None,
    source: SourceName = None,
) -> Response:
    """Take what a declared source sends, or a monitor of a kind as its vendor describes it."""
    asked = Asked(name, source, received_at=received_at, dry_run=dry_run)
    return await _understand(request, asked)


@router.post(
    "/v1/hooks/{name}/{key}",
    status_code=202,
    response_model=Answer,
    responses=TRIED,
    openapi_extra=ANY_BODY,
)
async def post_hook_by_secret_path(
    name: str, key: str, request: Request, dry_run: DryRun = False, source: SourceName = None
) -> Response:
    """Take what a monitor sends that can be given an address and nothing else.

    The address holds an `ingest` key; treat it as the secret it is.
    """
    asked = Asked(name, source, key=key, by_key=True, dry_run=dry_run)
    return await _understand(request, asked)


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
    asked = Asked("alertmanager_api", source, by_key=True, dry_run=dry_run)
    answer = await _understand(request, asked)
    answer.status_code = HTTPStatus.OK
    return answer


@router.post(
    "/v2/enqueue",
    status_code=202,
    response_model=EventAnswer,
    responses=TRIED | REFUSED,
    openapi_extra=ANY_BODY,
)
@router.post(
    "/v2/change/enqueue",
    status_code=202,
    response_model=EventAnswer,
    responses=TRIED | REFUSED,
    openapi_extra=ANY_BODY,
)
async def enqueue(request: Request, dry_run: DryRun = False) -> Response:
    """Take what is sent to PagerDuty's Events API v2; an `ingest` key is the routing key.

    Answers as PagerDuty documents it, so that its clients need another address and nothing else.
    """
    try:
        sent = Message(await request.body(), "", _now(request), request.headers)
        event = mapping_of(as_text(sent).json())
        routing_key = first_of(event, "routing_key")
        asked = Asked("pagerduty_events_v2", key=routing_key, by_key=True, dry_run=dry_run)
        admitted = await admit(request, asked)
        understood = admitted.kind.read(admitted.message)
        signals = _identified(request, understood)
    except (NotUnderstood, Problem) as error:
        return JSONResponse(
            {"status": "invalid event", "message": "Event object is invalid", "errors": [
                error.detail if isinstance(error, Problem) else str(error)
            ]},
            status_code=HTTPStatus.BAD_REQUEST,
        )  # fmt: skip
    if dry_run:
        return shown(signals, understood.remarks)
    spend(request, admitted.sender, signals)
    await taken(request, signals)
    fingerprints = (signal.fingerprint for signal in understood.signals)
    dedup_key = first_of(event, "dedup_key") or next(fingerprints, "")
    if first_of(event, "event_action").lower() == "acknowledge" and admitted.principal:
        source = admitted.message.source
        await acknowledge_failure(request, admitted.principal, source, dedup_key[:500])
    answer = {"status": "success", "message": "Event processed"}
    if dedup_key:
        answer["dedup_key"] = dedup_key
    return JSONResponse(answer, status_code=HTTPStatus.ACCEPTED)


def _now(request: Request) -> Time:
    return runtime_of(request).clock.now()


async def _understand(request: Request, asked: Asked) -> Response:
    admitted = await admit(request, asked)
    kind, message, remarks = admitted.kind, admitted.message, list[str]()
    if kind.name == _BY_SNS and not asked.dry_run:
        remarks = await at_work(runtime_of(request)).subscriptions.take(message)
    try:
        understood = kind.read(message)
    except NotJson as error:
        raise Malformed(f"This cannot be read: {error}.", advice="Send it as JSON.") from error
    except NotUnderstood as error:
        raise Invalid(
            f"This is no message of {kind.title}: {error}.",
            advice=f"What it should be is described at {kind.documentation}; nothing was stored.",
        ) from error
    signals = _identified(request, understood, asked.received_at)
    if asked.dry_run:
        return shown(signals, understood.remarks)
    spend(request, admitted.sender, signals)
    return await take(request, signals, [*understood.remarks, *remarks])


_BY_SNS = "aws_cloudwatch_sns"


def _identified(
    request: Request, understood: Understood, received_at: Time | None = None
) -> list[Signal]:
    """Give signals as the rules of their source understand them, with when and whence they came."""
    hop = current_traceparent()
    signals = [
        structs.replace(signal, received_at=received_at, traceparent=hop)
        for signal in understood.signals
    ]
    return at_work(runtime_of(request)).sources.declared.identified(signals)
