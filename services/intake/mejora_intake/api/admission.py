"""Who may post for which source: with a key, or with a signature where the source has a secret."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from mejora_events.contracts.access import Scope
from mejora_intake.api.at_work import at_work
from mejora_intake.api.taking import may_import, may_post_for
from mejora_intake.declared import Source, kind_called
from mejora_intake.model import Signal
from mejora_intake.nesting import MOST_LEVELS, nests_too_deeply
from mejora_intake.signatures import fault_in
from mejora_intake.sources import KINDS
from mejora_intake.sources.kind import Kind, Message, NotJson
from mejora_intake.sources.plain import plain
from mejora_service.errors import Invalid, Malformed, NotFound, TooMany, Unauthorised
from mejora_service.keys import Principal
from mejora_service.web import principal_of, principal_with, require, runtime_of


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message that may come in."""

    kind: Kind
    message: Message
    sender: str
    """Whose quota it is."""
    principal: Principal | None
    """None where a signature was enough."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, beside its body."""

    path: str
    """A declared source, or a kind of monitor."""
    source: str | None = None
    """The name under which the signals are to be kept."""
    key: str | None = None
    """A key that is not in a header."""
    by_key: bool = False
    """Whether the key's own source is meant where none is named."""
    received_at: datetime | None = None
    dry_run: bool = False


async def admit(request: Request, asked: Asked) -> Admitted:
    """Tell for which source a message comes, and how it is read, once it may come in.

    Raises NotFound, Unauthorised, Forbidden and Invalid.
    """
    declared = at_work(runtime_of(request)).sources.declared
    at_path = declared.at(asked.path)
    kind = at_path.kind if at_path else _kind(asked.path)
    source, principal = _source_named(asked, at_path), None
    if source is None and asked.by_key:
        principal = await _principal(request, asked.key)
        source = principal.source
    source = source or kind.name
    sender = f"source:{source}"
    guard = declared.named(source)
    if guard is None or guard.secret is None or asked.dry_run:
        principal = principal or await _principal(request, asked.key)
        may_post_for(principal, source)
        may_import(principal, asked.received_at)
        sender = str(principal.key_id)
    else:
        await _check_signature(request, guard)
        if asked.received_at is not None:
            may_import(await _principal(request, asked.key), asked.received_at)
        principal = None
    now = asked.received_at or runtime_of(request).clock.now()
    message = as_text(Message(await request.body(), source, now, request.headers))
    return Admitted(kind, message, sender, principal)


def as_text(message: Message) -> Message:
    """Give a message unpacked and in UTF-8; raises Malformed where that, or its depth, forbids."""
    try:
        message = plain(message)
    except NotJson as error:
        raise Malformed(
            f"This cannot be read: {error}.", advice="Send it plain or gzipped; nothing was stored."
        ) from error
    check_nesting(message.body)
    return message


def _source_named(asked: Asked, at_path: Source | None) -> str | None:
    if at_path is None:
        return asked.source
    if asked.source not in (None, at_path.name):
        raise Invalid(
            f"What comes at this path is of the source {at_path.name!r}, which is declared.",
            advice="Leave `source` out, or post to the path of the source that you mean.",
        )
    return at_path.name


def _kind(path: str) -> Kind:
    kind = kind_called(path)
    if kind is None:
        raise NotFound(
            f"No kind of monitor and no declared source is called {path!r}.",
            advice=f"These kinds are known: {', '.join(sorted(KINDS))}; declare any other with PUT"
            " /intake/v1/sources/{name}, or POST /intake/v1/signals.",
        )
    return kind


async def _principal(request: Request, key: str | None) -> Principal:
    principal = await (principal_with(request, key) if key else principal_of(request))
    require(principal, Scope.INGEST)
    return principal


async def _check_signature(request: Request, source: Source) -> None:
    fault = fault_in(
        source.schemes,
        source.secret or "",
        request.headers,
        await request.body(),
        now=runtime_of(request).clock.now(),
    )
    if fault is not None:
        raise _unsigned(source.name, fault)


def _unsigned(name: str, fault: str) -> Unauthorised:
    return Unauthorised(
        f"The source {name!r} takes only what is signed with its secret: {fault}.",
        advice="Give its monitor the secret that the source was declared with; which header it "
        f"signs in is shown by GET /intake/v1/sources/{name}. Nothing was stored.",
        headers={"WWW-Authenticate": 'Signature realm="mejora"'},
    )


def check_nesting(body: bytes) -> None:
    """Raise Malformed for JSON that is nested deeper than anything that is meant."""
    if nests_too_deeply(body):
        raise Malformed(
            f"This is nested more than {MOST_LEVELS} levels deep.",
            advice="Send it flatter; nothing was stored.",
        )


def may_come(request: Request, principal: Principal, signals: Sequence[Signal]) -> None:
    """Let signals come that a key brings and no monitor has signed.

    Raises Unauthorised when one is of a source with a secret, TooMany beyond the key's quota.
    """
    _check_unsigned(request, signals)
    spend(request, str(principal.key_id), signals)


def _check_unsigned(request: Request, signals: Sequence[Signal]) -> None:
    declared = at_work(runtime_of(request)).sources.declared
    for name in {signal.source for signal in signals} if declared else ():
        source = declared.named(name)
        if source is not None and source.secret is not None:
            raise _unsigned(name, f"its monitor posts to /intake/v1/hooks/{name}")


def spend(request: Request, sender: str, signals: Sequence[Signal]) -> None:
    """Take signals from a sender's quota, where there are quotas; raises TooMany."""
    quota = at_work(runtime_of(request)).quota
    if quota is None:
        return
    wait_seconds = quota.spend(sender, len(signals), now=time.monotonic())
    if wait_seconds:
        raise TooMany(
            f"This is more than {quota.per_second:g} signals a second.",
            advice="Send it again after the time in Retry-After; nothing of it was kept.",
            headers={
                "Retry-After": str(wait_seconds),
                "RateLimit-Policy": f'"signals";q={max(1, int(quota.per_second))};w=1',
                "RateLimit": f'"signals";r=0;t={wait_seconds}',
            },
        )
