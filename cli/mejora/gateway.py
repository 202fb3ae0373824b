"""One port before services that run apart: the first segment of the path says which."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response, StreamingResponse

from mejora_service.host import problem

_HOP_BY_HOP = {  # RFC 9110, section 7.6.1
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
}


def gateway(addresses: Mapping[str, str]) -> FastAPI:
    """Give an application that passes `/<name>/…` on to the address of that service."""

    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=64)
        timeout = httpx.Timeout(60.0, read=None)
        async with httpx.AsyncClient(limits=limits, timeout=timeout) as client:
            application.state.client = client
            yield

    application = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None)

    @application.get("/livez")
    async def livez() -> str:
        return "alive"

    @application.get("/readyz")
    async def readyz(request: Request) -> Response:
        client: httpx.AsyncClient = request.app.state.client
        answers = await asyncio.gather(
            *(_checks_of(client, address) for address in addresses.values())
        )
        checks = {name: checks for answer in answers for name, checks in answer[1].items()}
        ready = all(answer[0] for answer in answers)
        return JSONResponse(
            {"status": "ready" if ready else "not ready", "checks": checks},
            status_code=200 if ready else 503,
        )

    @application.api_route(
        "/{name}/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
    )
    async def pass_on(name: str, path: str, request: Request) -> Response:
        if name not in addresses:
            return problem(
                404, f"No service is called {name!r}.", f"There are: {', '.join(addresses)}."
            )
        client: httpx.AsyncClient = request.app.state.client
        passed = client.build_request(
            request.method,
            f"{addresses[name]}{request.url.path}",
            params=request.query_params,
            headers=[(k, v) for k, v in request.headers.raw if k.decode() not in _HOP_BY_HOP],
            content=request.stream(),
        )
        try:
            answer = await client.send(passed, stream=True)
        except httpx.TransportError as error:
            return problem(
                503,
                f"{name} does not answer: {error.__class__.__name__}.",
                "Send the same again after the time in Retry-After.",
                {"Retry-After": "1"},
            )
        return StreamingResponse(
            answer.aiter_raw(),
            status_code=answer.status_code,
            headers={k: v for k, v in answer.headers.items() if k not in _HOP_BY_HOP},
            background=BackgroundTask(answer.aclose),
        )

    return application


async def _checks_of(client: httpx.AsyncClient, address: str) -> tuple[bool, dict[str, object]]:
    try:
        answer = await client.get(f"{address}/readyz", timeout=5.0)
        return answer.status_code == 200, dict(answer.json()["checks"])
    except (httpx.HTTPError, ValueError) as error:
        return False, {address: f"does not answer: {error.__class__.__name__}"}
