"""Signing in to the pages: a key is shown once, then the browser holds a token in its place.

The token is 256 random bits in a cookie that no script and no other site's form can use; the store
has its hash and the key's id, so that what is revoked or signed out ends at once everywhere.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mejora_diagnosis.api.pages.rendering import elsewhere, page
from mejora_diagnosis.store import sign_ins
from mejora_events.contracts.access import Scope
from mejora_service import keys
from mejora_service.errors import Forbidden, Invalid, Unauthorised
from mejora_service.keys import Principal
from mejora_service.web import Command, connection, principal_with, require, runtime_of

router = APIRouter()

COOKIE = "mejora_diagnosis"
_LASTING = timedelta(hours=12)
_MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who looks at a page."""

    principal: Principal
    token: str

    @property
    def may_answer(self) -> bool:
        """Tell whether the key may change something."""
        return bool({Scope.OPERATE, Scope.ADMIN} & self.principal.scopes)

    @property
    def form_token(self) -> str:
        """Give what our own forms carry, and another site's cannot know."""
        return hashlib.sha256(f"form:{self.token}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in."""

    fields: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


async def signed_in(request: Request) -> SignedIn | None:
    """Tell who is signed in and may read, if somebody is."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    runtime = runtime_of(request)
    async with connection(runtime) as conn:
        key_id = await sign_ins.key_of(conn, token, runtime.clock.now())
        principal = await keys.holder(conn, key_id) if key_id else None
    return SignedIn(principal, token) if principal else None


def to_sign_in(request: Request) -> Response:
    """Lead a browser to the form, and from there back to where it wanted to go."""
    wanted = request.url.path.removeprefix(str(request.scope.get("root_path", "")))
    to = _own_path(wanted)
    return elsewhere(request, "/sign-in" if to == "/" else f"/sign-in?to={to}")


async def filled_in(request: Request) -> Form:
    """Read a form of ours as browsers send it; raises Forbidden and Invalid."""
    _is_from_here(request)
    body = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Invalid("This form cannot be read.", advice="Open it anew.") from error
    return Form({name: _as_written(values[-1]) for name, values in fields.items()})


def _as_written(text: str) -> str:
    """Give a text with plain ends of lines, and without NUL, which PostgreSQL does not keep."""
    return text.replace("\r\n", "\n").replace("\x00", "").strip()


def commanding(request: Request, who: SignedIn, form: Form) -> Command:
    """Give what a command needs that a form sends; raises Forbidden."""
    if not secrets.compare_digest(form["token"].encode(), who.form_token.encode()):
        raise Forbidden(
            "This form was not made for your sign-in.", advice="Open the page anew and send it."
        )
    require(who.principal, Scope.OPERATE)
    return Command(runtime_of(request), who.principal, HTTPStatus.SEE_OTHER, None)


def _is_from_here(request: Request) -> None:
    """Refuse what another site lets a browser send (OWASP's cheat sheet on request forgery).

    Browsers say so in `Sec-Fetch-Site`; where they do not (no TLS), the origin must be ours.
    """
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        ours = said in ("same-origin", "none")
    else:
        origin = request.headers.get("origin")
        ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not ours:
        raise Forbidden("This was sent by another site.", advice="Open the page here and send it.")


@router.get("/sign-in")
async def show_sign_in(
    request: Request, to: Annotated[str, Query(max_length=200)] = "/"
) -> Response:
    """Show the form for the key."""
    return page(request, "sign_in", to=_own_path(to), mend=None, kept="", who=None)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign the holder of a key in, if it may read."""
    runtime = runtime_of(request)
    to = "/"
    try:
        form = await filled_in(request)
        to = _own_path(form["to"])
        principal = await principal_with(request, form["key"])
        require(principal, Scope.READ)
    except (Unauthorised, Forbidden, Invalid) as error:
        mend = f"{error.detail} {error.advice}"
        return page(request, "sign_in", error.status, to=to, mend=mend, kept="", who=None)
    ends_at = runtime.clock.now() + _LASTING
    async with runtime.store.begin(actor=principal.name) as work:
        token = await sign_ins.begin(work, principal.key_id, ends_at)
    answer = elsewhere(request, to)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(_LASTING.total_seconds()),
        path=_cookie_path(request),
        secure=_over_tls(request),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Sign out: the token is worth nothing from now on."""
    who = await signed_in(request)
    answer = elsewhere(request, "/sign-in")
    if who is not None:
        await filled_in(request)
        async with runtime_of(request).store.begin(actor=who.principal.name) as work:
            await sign_ins.end(work, who.token)
    answer.delete_cookie(COOKIE, path=_cookie_path(request))
    return answer


def _over_tls(request: Request) -> bool:
    """Tell whether the browser speaks TLS, with us or with a proxy that says so."""
    said = request.headers.get("x-forwarded-proto", request.url.scheme)
    return said.lower() == "https"


def _cookie_path(request: Request) -> str:
    return str(request.scope.get("root_path", "")) or "/"


def _own_path(wanted: str) -> str:
    """Give a path that leads to a page of ours, whatever was asked for."""
    first, _, rest = wanted.removeprefix("/").partition("/")
    try:
        return f"/diagnoses/{UUID(rest)}" if first == "diagnoses" else "/"
    except ValueError:
        return "/"
