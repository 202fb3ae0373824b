"""What routes work with: who asks, a command's one transaction, a reading connection."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Header, Request
from fastapi.dependencies.models import Dependant
from fastapi.encoders import jsonable_encoder
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from mejora_events.clock import Clock
from mejora_events.contracts.access import Scope
from mejora_events.faults import collided
from mejora_events.store import Work
from mejora_service.errors import Forbidden, Invalid, Unauthorised
from mejora_service.idempotency import IdempotencyKey
from mejora_service.keys import Principal, key_in
from mejora_service.runtime import Runtime

T = TypeVar("T")

_TRIES = 3
"""How often a command is tried when it collides with another one."""


class Plain(APIRoute):
    """A route whose function takes the request and gives the response, with nothing between.

    For what is asked thousands of times a second: FastAPI's way of finding arguments, of which
    there are none, would cost as much as the function itself.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the function as it is."""
        function: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return function


def reads_body(shape: Any, content_type: str = "application/json") -> dict[str, Any]:
    """Describe, for `openapi_extra`, a body that the function reads itself.

    References are written out: FastAPI knows nothing of these models, and so keeps none of them.
    """
    schema = TypeAdapter(shape).json_schema()
    return {
        "requestBody": {
            "required": True,
            "content": {content_type: {"schema": _written_out(schema, schema.get("$defs", {}))}},
        }
    }


def _written_out(schema: Any, named: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_written_out(one, named) for one in schema]
    if not isinstance(schema, dict):
        return schema
    whole = schema | named[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return {
        name: _written_out(part, named)
        for name, part in whole.items()
        if name not in ("$ref", "$defs")
    }


def runtime_of(request: Request) -> Runtime:
    """Give the service instance that a request came to."""
    runtime: Runtime = request.app.state.runtime
    return runtime


async def principal_of(request: Request) -> Principal:
    """Tell who asks; raises Unauthorised."""
    keys = runtime_of(request).keys
    named = next((v for name, v in request.scope["headers"] if name == b"authorization"), b"")
    if principal := keys.remembered_by(named):
        return principal
    key = key_in(request.headers)
    if key is None:
        raise Unauthorised(
            "This needs a key and the request has none.",
            advice="Send it as `Authorization: Bearer <key>` or as `X-Mejora-Key: <key>`.",
            headers={"WWW-Authenticate": 'Bearer realm="mejora"'},
        )
    is_bearer = named[:7].lower() == b"bearer "
    return await principal_with(request, key, named if is_bearer else b"")


async def principal_with(request: Request, key: str, named: bytes = b"") -> Principal:
    """Tell who asks with a key; raises Unauthorised.

    `named` is the header that holds nothing but it, so that the next one is known at once.
    """
    principal = await runtime_of(request).keys.recognise(key, named)
    if principal is None:
        raise Unauthorised(
            "This key is not known, or it was revoked.",
            advice="Ask an administrator for a new one (POST /intake/v1/keys).",
            headers={"WWW-Authenticate": 'Bearer realm="mejora", error="invalid_token"'},
        )
    return principal


def require(principal: Principal, scope: Scope, *, customer_aware: bool = False) -> None:
    """Raise Forbidden unless the key has the scope; a customer's key needs a route that knows."""
    if scope not in principal.scopes and Scope.ADMIN not in principal.scopes:
        raise Forbidden(
            f"This key lacks the scope `{scope.value}`.",
            advice=f"Use a key that has it; this one has: {_listed(principal.scopes)}.",
        )
    if principal.customer is not None and not customer_aware:
        raise Forbidden(
            "This key sees one customer's data only, and this is more than that.",
            advice="Ask for that customer's report, or use a key that is not tied.",
        )


def _listed(scopes: frozenset[Scope]) -> str:
    return ", ".join(sorted(scope.value for scope in scopes)) or "none"


@asynccontextmanager
async def connection(runtime: Runtime) -> AsyncIterator[AsyncConnection]:
    """Open a connection for what a person or program asks; raises Unavailable."""
    async with runtime.desk.place(), runtime.store.read() as conn:
        yield conn


class Reading:
    """A request that changes nothing."""

    def __init__(self, runtime: Runtime, principal: Principal) -> None:
        self.runtime, self.principal = runtime, principal

    @property
    def customer(self) -> str | None:
        """Tell which customer's data alone may be seen; None for all."""
        return self.principal.customer

    @property
    def settings(self) -> Any:
        """Give the service's settings."""
        return self.runtime.settings

    @property
    def clock(self) -> Clock:
        """Give the clock."""
        return self.runtime.clock

    def conn(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a connection for queries; raises Unavailable when too many are asked at once."""
        return connection(self.runtime)


class Command(Reading):
    """A request that changes something: one transaction, carried out once per Idempotency-Key."""

    def __init__(
        self,
        runtime: Runtime,
        principal: Principal,
        status: int,
        idempotency_key: IdempotencyKey | None,
    ) -> None:
        super().__init__(runtime, principal)
        self._status, self._idempotency_key = status, idempotency_key

    async def run(self, what: Callable[[Work], Awaitable[T]], *, shown_once: bool = False) -> T:
        """Do what is asked and commit it with its events; a collision is tried again.

        An answer that is `shown_once` (it holds a secret) is not kept for a repetition. Raises
        AnsweredBefore for a repetition (Conflict where the answer was not kept).
        """
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._run_once(what, shown_once)
            except Exception as error:
                if not collided(error) or attempt == _TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _run_once(self, what: Callable[[Work], Awaitable[T]], shown_once: bool) -> T:
        desk, store = self.runtime.desk, self.runtime.store
        async with desk.place(), store.begin(actor=self.principal.name) as work:
            if self._idempotency_key is not None:
                await self._idempotency_key.take(work)
            result = await what(work)
            if self._idempotency_key is not None:
                status, answer = self._status, jsonable_encoder(result)
                kept = (None, None) if shown_once else (status, answer)
                await self._idempotency_key.keep(work, *kept)
            return result


def reading_with(
    scope: Scope, *, customer_aware: bool = False
) -> Callable[[Request], Awaitable[Reading]]:
    """Give the dependency of a route that reads and needs a scope."""

    async def dependency(request: Request) -> Reading:
        principal = await principal_of(request)
        require(principal, scope, customer_aware=customer_aware)
        _refuse_unknown_parameters(request)
        return Reading(runtime_of(request), principal)

    return dependency


def _refuse_unknown_parameters(request: Request) -> None:
    """Raise Invalid for a question with a parameter that there is not: it would be passed over."""
    route = request.scope.get("route")
    if not request.scope["query_string"] or not isinstance(route, APIRoute):
        return
    known = _parameters(route.dependant)
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise Invalid(
            f"There is no parameter {unknown[0]!r} here.",
            advice=f"These are known: {', '.join(sorted(known))}."
            if known
            else "Leave it out; nothing can be asked here.",
        )


def _parameters(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_parameters(one) for one in dependant.dependencies))


def command_with(scope: Scope) -> Callable[..., Awaitable[Command]]:
    """Give the dependency of a route that changes something and needs a scope."""

    async def dependency(
        request: Request,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    ) -> Command:
        principal = await principal_of(request)
        require(principal, scope)
        named = None
        if idempotency_key is not None:
            named = IdempotencyKey.of(
                principal.key_id,
                idempotency_key,
                request.method,
                f"{request.url.path}?{request.url.query}",
                await request.body(),
            )
        status = getattr(request.scope.get("route"), "status_code", None) or 200
        return Command(runtime_of(request), principal, status, named)

    return dependency


reading = reading_with(Scope.READ)
customer_reading = reading_with(Scope.READ, customer_aware=True)
operating = command_with(Scope.OPERATE)
administering = command_with(Scope.ADMIN)
