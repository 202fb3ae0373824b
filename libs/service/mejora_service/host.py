"""Puts services behind HTTP: each below its own path, with the health of the whole at the root."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mejora_events.errors import EventTooLarge
from mejora_events.faults import store_is_away, unstorable
from mejora_events.tracing import span
from mejora_service import operations, telemetry
from mejora_service.bodies import Bodies
from mejora_service.errors import Problem, ProblemDocument, TooLarge
from mejora_service.idempotency import AnsweredBefore
from mejora_service.runtime import Runtime
from mejora_service.web import Plain

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
_PROBLEMS: Any = {
    number: {
        "description": said,
        "content": {PROBLEM_JSON: {"schema": ProblemDocument.model_json_schema()}},
    }
    for number, said in (
        ("4XX", "What is wrong with the request, and what to do about it"),
        ("5XX", "What is wrong here, and what to do about it"),
    )
}
"""What any route may answer beside what is its own, as OpenAPI tells it."""
_NO_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own would tell the same as `Frame` once more."""


def host(runtimes: Sequence[Runtime]) -> FastAPI:
    """Give the application that serves these services; they start and stop with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        started: list[Runtime] = []
        try:
            for runtime in runtimes:
                started.append(runtime)
                await runtime.start()
            yield
        finally:
            for runtime in reversed(started):
                await runtime.stop()

    whole = _Whole(title="Mejora", lifespan=lifespan, openapi_url=None, docs_url=None)
    whole.state.runtimes = runtimes
    _add_health(whole, runtimes)
    _add_error_handlers(whole)
    for runtime in runtimes:
        path = f"/{runtime.service.name}"
        application = _application(runtime)
        whole.services[path] = application
        whole.direct |= _direct(application, path, runtime)
    return whole


class _Whole(FastAPI):
    """Hands each request to the service that its path begins with, all others to itself.

    Were they mounted, every request would also go through the router and the middleware of this
    application, which have nothing to do for it. What is asked for thousands of times a second
    (`web.Plain`) is found by its path alone.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(telemetry=_NO_TELEMETRY, **settings)
        self.services: dict[str, ASGIApp] = {}
        self.direct: dict[tuple[str, str], ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            direct = self.direct.get((scope["method"], scope["path"]))
            if direct is not None:
                await direct(scope, receive, send)
                return
            root: str = scope.get("root_path", "")
            first = "/" + scope["path"].removeprefix(root)[1:].partition("/")[0]
            service = self.services.get(first)
            if service is not None:
                scope["app_root_path"], scope["root_path"] = root, root + first
                await service(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def _application(runtime: Runtime) -> FastAPI:
    name = runtime.service.name
    application = FastAPI(
        title=f"Mejora {name}", version="1", redoc_url=None, docs_url=None, telemetry=_NO_TELEMETRY
    )
    application.state.runtime = runtime
    _add_health(application, [runtime])
    _add_error_handlers(application)
    application.include_router(runtime.service.router, responses=_PROBLEMS)
    application.include_router(operations.router, responses=_PROBLEMS)
    application.add_middleware(
        Frame,
        service=name,
        largest_body_bytes=runtime.settings.largest_body_bytes,
        bodies=runtime.bodies,
    )
    return application


def _direct(application: FastAPI, path: str, runtime: Runtime) -> dict[tuple[str, str], ASGIApp]:
    """Give the service's plain routes by method and path, each in a frame of its own."""
    return {
        (method, path + route.path): Frame(
            _Direct(application, route),
            runtime.service.name,
            runtime.settings.largest_body_bytes,
            runtime.bodies,
        )
        for route in runtime.service.router.routes
        if isinstance(route, Plain)
        for method in route.methods or ()
    }


class _Direct:
    """A plain route with no router and no middleware around it."""

    def __init__(self, application: FastAPI, route: Plain) -> None:
        self._application, self._route = application, route
        self._function = route.get_route_handler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"], scope["route"] = self._application, self._route
        try:
            answer = await self._function(Request(scope, receive, send))
        except Problem as error:
            answer = _told(error)
        await answer(scope, receive, send)


def _told(error: Problem) -> Response:
    return problem(error.status, error.detail, error.advice, error.headers)


def _add_health(application: FastAPI, runtimes: Sequence[Runtime]) -> None:
    async def livez(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_: Request) -> Response:
        checks = {runtime.service.name: await runtime.check() for runtime in runtimes}
        ready = all(c["service"] == "ready" == c["store"] for c in checks.values())
        return JSONResponse(
            {"status": "ready" if ready else "not ready", "checks": checks},
            status_code=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
        )

    async def metrics(_: Request) -> Response:
        for runtime in runtimes:
            try:
                await runtime.measure()
            except Exception as error:  # noqa: BLE001 (a scrape answers with what there is)
                log.warning("gauges of %s are old: %r", runtime.service.name, error)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    application.router.routes.extend(
        [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]
    )


def problem(
    status: int, detail: str, advice: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Make a problem document (RFC 9457)."""
    return JSONResponse(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "advice": advice,
            **more,
        },
        status_code=status,
        headers=headers,
        media_type=PROBLEM_JSON,
    )


def _add_error_handlers(application: FastAPI) -> None:
    @application.exception_handler(Problem)
    async def on_problem(_: Request, error: Problem) -> Response:
        return _told(error)

    @application.exception_handler(AnsweredBefore)
    async def on_answered_before(_: Request, error: AnsweredBefore) -> Response:
        replayed = {"Idempotency-Replayed": "true"}
        if error.status == HTTPStatus.NO_CONTENT:
            return Response(status_code=error.status, headers=replayed)
        return JSONResponse(error.answer, status_code=error.status, headers=replayed)

    @application.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        errors = [{"at": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()]
        first = errors[0] if errors else {"at": "the request", "problem": "is invalid"}
        if any(e["type"] == "json_invalid" for e in error.errors()):
            return problem(
                HTTPStatus.BAD_REQUEST,
                f"The body is no JSON; it goes wrong at {first['at']}.",
                "Send one JSON value with the content type application/json.",
            )
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"{first['at']}: {first['problem']}",
            "Send one JSON object, with the content type application/json."
            if first["at"] == "body"
            else "Mend the fields named in `errors`; the shapes are in openapi.json.",
            errors=errors,
        )

    @application.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        # While it reads a body, FastAPI makes a 400 of what it does not know.
        if isinstance(error.__cause__, Problem):
            return await on_problem(request, error.__cause__)
        advice = (
            "Send one JSON value in UTF-8; the shapes are in openapi.json."
            if error.status_code == HTTPStatus.BAD_REQUEST
            else "The paths are in openapi.json of each service, for example /intake/openapi.json."
        )
        return problem(error.status_code, str(error.detail), advice, dict(error.headers or {}))


def _answer_to(error: Exception, traceparent: str) -> JSONResponse:
    """Give the answer to an error that no route and no rule knows."""
    if isinstance(error, ClientDisconnect):  # nobody hears the answer; it is counted
        log.info("a client went away before its request had come")
        return problem(
            HTTPStatus.BAD_REQUEST,
            "The connection ended before the request did.",
            "Send it again; nothing was stored.",
        )
    if store_is_away(error):
        log.warning("a request met no store: %r", error)
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The store cannot be reached now.",
            "Send the same request again after the time in Retry-After.",
            {"Retry-After": "1"},
        )
    if isinstance(error, EventTooLarge):
        log.warning("a request was refused: %r", error)
        return problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "The event that this leads to is too large for a broker.",
            "Shorten the longest texts, and link to what is left out.",
        )
    if unstorable(error):
        log.warning("a request was refused: %r", error)
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "A text of this request holds a zero byte, which no store keeps.",
            "Take the character U+0000 out of it.",
        )
    log.error("a request failed", exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong here that is not the request's fault.",
        "Tell the operators this trace id; the log has the rest.",
        trace_id=traceparent[3:35],
    )


def _refusing(error: Problem) -> Receive:
    async def receive() -> Message:
        raise error

    return receive


class Frame:
    """Around each request: its trace, size limit and time, and an answer when all else fails."""

    def __init__(self, app: ASGIApp, service: str, largest_body_bytes: int, bodies: Bodies) -> None:
        self._app, self._service, self._largest = app, service, largest_body_bytes
        self._bodies = bodies
        self._timers: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        began = time.perf_counter()
        status: int | None = None
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._largest:
            receive = _refusing(self._too_large())
        bodies, taken = self._bodies, 0
        coming = (announced and announced != b"0") or b"transfer-encoding" in headers
        task = asyncio.current_task() if coming else None
        if task is not None:
            bodies.comes(task)

        async def receive_within_limit() -> Message:
            nonlocal taken, task
            if task is None:
                return await receive()
            try:
                message = await receive()
            except asyncio.CancelledError:
                if (too_slow := bodies.too_slow(task)) is None:
                    raise
                raise too_slow from None
            if not message.get("more_body"):
                bodies.came(task)
                task = None
            if count := len(message.get("body", b"")):
                taken += count
                bodies.hold(count)
                if taken > self._largest:
                    raise self._too_large()
            return message

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        parent = headers.get(b"traceparent", b"").decode("latin-1") or None
        try:
            with span(f"{scope['method']} {scope['path']}", parent) as traceparent:
                try:
                    await self._app(scope, receive_within_limit, send_noting_status)
                except Exception as error:
                    answer = _answer_to(error, traceparent)
                    if status is not None:
                        raise  # the answer has begun
                    await answer(scope, receive, send_noting_status)
        finally:
            if task is not None:
                bodies.came(task)
            bodies.release(taken)
            route = getattr(scope.get("route"), "path", "none")
            answered = status or HTTPStatus.INTERNAL_SERVER_ERROR.value
            self._timer(scope["method"], route, answered).observe(time.perf_counter() - began)

    def _timer(self, method: str, route: str, answered: int) -> Histogram:
        """Find the histogram of a route's answers; finding it by labels takes far longer."""
        timer = self._timers.get((method, route, answered))
        if timer is None:
            timer = telemetry.REQUESTS.labels(self._service, method, route, answered)
            self._timers[method, route, answered] = timer
        return timer

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The body is larger than {self._largest} bytes.", advice="Send it in smaller parts."
        )
