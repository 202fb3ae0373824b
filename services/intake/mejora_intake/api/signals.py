"""The route for signals in Mejora's own words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from mejora_events.contracts.base import Link, Origin, Severity, Time
from mejora_events.ids import new_id
from mejora_events.tracing import current_traceparent
from mejora_intake.api.admission import check_nesting, may_come
from mejora_intake.api.at_work import at_work
from mejora_intake.api.quick import QuickSignal, quickly, split
from mejora_intake.api.taking import Answer, ingester, may_import, may_post_for, shown, take
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.reading import digest, labels_of, text_of
from mejora_service.errors import Invalid
from mejora_service.web import Plain, reads_body, runtime_of

router = APIRouter(tags=["signals"])

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class SignalPosted(BaseModel):
    """A signal in Mejora's own words."""

    model_config = ConfigDict(extra="forbid")

    source: Text
    id: Name | None = None
    """Names the message; give the same one when it is sent again. Left out, it is a new message."""
    fingerprint: Name | None = None
    """What makes two signals the same failure; left out, it is made of component and summary."""
    component: Name
    summary: Text
    description: Description = ""
    state: SignalState = SignalState.FIRING
    severity: Severity = Severity.UNKNOWN
    started_at: Time | None = None
    ended_at: Time | None = None
    origin: Origin = Origin.INTERNAL
    labels: dict[str, str] = {}
    links: tuple[Link, ...] = ()
    received_at: Time | None = None
    """When it came, for history that is imported; needs the scope `operate`."""


Posted = SignalPosted | QuickSignal

_POSTED = TypeAdapter(SignalPosted)


async def post_signals(request: Request) -> Response:
    """Take one signal, an array of them, or one on each line (NDJSON).

    With `?dry_run=true` they are shown as understood, and nothing is stored.
    """
    principal = await ingester(request)
    raw = await request.body()
    now = runtime_of(request).clock.now()
    try:
        posted = _read(raw, request.headers.get("content-type", ""))
    except ValidationError as error:
        check_nesting(raw)
        raise _not_valid(error) from error
    signals = []
    hop = current_traceparent()
    for one, body in posted:
        may_post_for(principal, one.source)
        may_import(principal, one.received_at)
        signals.append(_signal_of(one, body, now, hop))
    signals = at_work(runtime_of(request)).sources.declared.identified(signals)
    if request.scope["query_string"] and request.query_params.get("dry_run") == "true":
        return shown(signals, [])
    may_come(request, principal, signals)
    return await take(request, signals, [])


router.add_api_route(
    "/v1/signals",
    post_signals,
    methods=["POST"],
    status_code=202,
    response_model=Answer,
    route_class_override=Plain,
    openapi_extra=reads_body(SignalPosted | list[SignalPosted]),
)

_LIST = TypeAdapter(list[SignalPosted])

_ZERO = b"\\u0000"
"""A zero byte, as JSON has it."""


def _read(raw: bytes, content_type: str) -> list[tuple[Posted, bytes]]:
    """Read signals, each with its own body; raises ValidationError."""
    if content_type.startswith("application/x-ndjson"):
        bodies = [line for line in raw.splitlines() if line.strip()]
    elif raw.lstrip()[:1] != b"[":
        bodies = [raw]
    else:
        return _quickly(split(raw), raw) or [_with_body(one) for one in _LIST.validate_json(raw)]
    return _quickly(bodies, raw) or [
        (_mended(_POSTED.validate_json(body)), body) for body in bodies
    ]


def _quickly(bodies: Sequence[bytes] | None, raw: bytes) -> list[tuple[Posted, bytes]] | None:
    if bodies is None or _ZERO in raw or (read := quickly(bodies)) is None:
        return None
    return list(zip(read, bodies, strict=True))


def _with_body(posted: SignalPosted) -> tuple[SignalPosted, bytes]:
    body = posted.model_dump_json(exclude_unset=True).encode()
    return _mended(posted), body


def _not_valid(error: ValidationError) -> Invalid:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the body"
    return Invalid(
        f"{where}: {first['msg']}. Nothing was stored.",
        advice="Mend it and send all again; those with an id that were kept before count once.",
    )


def _signal_of(posted: Posted, body: bytes, now: datetime, hop: str | None) -> Signal:
    return Signal(
        source=posted.source,
        id=posted.id or str(new_id()),
        fingerprint=posted.fingerprint or digest(posted.component, posted.summary),
        component=posted.component,
        summary=posted.summary,
        description=posted.description,
        state=posted.state,
        severity=posted.severity,
        started_at=posted.started_at or posted.received_at or now,
        ended_at=posted.ended_at,
        origin=posted.origin,
        labels=posted.labels,
        links=tuple(Link(href=link.href, text=link.text) for link in posted.links),
        body=body,
        received_at=posted.received_at,
        traceparent=hop,
    )


def _mended(posted: SignalPosted) -> SignalPosted:
    """Replace zero bytes, which no store keeps."""
    texts = ("source", "id", "fingerprint", "component", "summary", "description")
    mended: dict[str, Any] = {
        name: text_of(text) for name in texts if "\0" in (text := getattr(posted, name) or "")
    }
    if "\0" in "".join((*posted.labels, *posted.labels.values())):
        mended["labels"] = labels_of(posted.labels)
    return posted.model_copy(update=mended) if mended else posted
