"""Keys: who may do what. Only hashes are stored; a service knows them from `mejora.access`.

A key is 256 random bits, so that a plain SHA-256 is as good a store as a slow hash: there is no
list of likely keys to try (OWASP Password Storage Cheat Sheet speaks of passwords people choose).
"""

import asyncio
import base64
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.contracts.access import AccessKeyIssued, AccessKeyRevoked, Scope
from mejora_events.envelope import Event
from mejora_events.ids import KeyId, new_id
from mejora_events.reactions import Reactions
from mejora_events.sql import Row, row, run
from mejora_events.store import Store, Work
from mejora_service.errors import Unavailable

# Takes a key into this service's own copy; a revocation that came first stays.
_TAKE = """
insert into access_key (key_id, secret_sha256, scopes, label, source, customer, issued_at)
values (:key_id, :secret_sha256, :scopes, :label, :source, :customer, :issued_at)
on conflict (key_id) do update
set secret_sha256 = excluded.secret_sha256, scopes = excluded.scopes, label = excluded.label,
    source = excluded.source, customer = excluded.customer, issued_at = excluded.issued_at
where access_key.secret_sha256 is null
"""

_REVOKE = """
insert into access_key (key_id, revoked_at) values (:key_id, :revoked_at)
on conflict (key_id) do update set revoked_at = excluded.revoked_at
"""

_BY_HASH = """
select key_id, scopes, label, source, customer from access_key
where secret_sha256 = :secret_sha256 and revoked_at is null
"""

_BY_ID = """
select key_id, scopes, label, source, customer from access_key
where key_id = :key_id and secret_sha256 is not null and revoked_at is null
"""

_ALONE = "lock table access_key in share row exclusive mode"
_ANY = "select 1 from access_key limit 1"

_REMEMBER_SECONDS = 2.0
"""How long an answer is remembered, and so how long a revoked key may still work."""
_REMEMBER_MOST = 10_000

KeyT = TypeVar("KeyT")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking."""

    key_id: KeyId
    label: str
    scopes: frozenset[Scope]
    source: str | None
    customer: str | None

    @property
    def name(self) -> str:
        """Tell who did something, for timelines."""
        return f"key:{self.label or self.key_id}"


def new_key() -> str:
    """Make a key: shown once, never stored."""
    return "mej_" + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    """Give the form in which a key is stored."""
    return hashlib.sha256(key.encode()).hexdigest()


def admin_key_issued(key: str, work: Work) -> AccessKeyIssued:
    """Give the fact that the first admin key may be used; the same key has the same id anywhere."""
    return AccessKeyIssued(
        key_id=KeyId(uuid5(NAMESPACE_URL, "mejora-admin-key:" + hash_of(key))),
        secret_sha256=hash_of(key),
        scopes=tuple(Scope),
        label="admin",
        issued_at=work.now,
    )


def issue(
    work: Work,
    scopes: Sequence[Scope],
    *,
    label: str,
    source: str | None = None,
    customer: str | None = None,
) -> tuple[str, AccessKeyIssued]:
    """Make a key and the fact that it may be used."""
    key = new_key()
    return key, AccessKeyIssued(
        key_id=KeyId(new_id()),
        secret_sha256=hash_of(key),
        scopes=tuple(scopes),
        label=label,
        source=source,
        customer=customer,
        issued_at=work.now,
    )


async def take(work: Work, issued: AccessKeyIssued) -> bool:
    """Take a key into this service's copy; tell whether it was new."""
    taken = await run(
        work.conn,
        _TAKE,
        key_id=issued.key_id,
        secret_sha256=issued.secret_sha256,
        scopes=[scope.value for scope in issued.scopes],
        label=issued.label,
        source=issued.source,
        customer=issued.customer,
        issued_at=issued.issued_at,
    )
    return taken > 0


async def revoke(work: Work, revoked: AccessKeyRevoked) -> None:
    """Let a key no longer be used here."""
    await run(work.conn, _REVOKE, key_id=revoked.key_id, revoked_at=revoked.revoked_at)


async def holder(conn: AsyncConnection, key_id: KeyId) -> Principal | None:
    """Tell whose key has an id, unless it was revoked."""
    found = await row(conn, _BY_ID, key_id=key_id)
    return _principal(found) if found else None


async def any_issued(work: Work) -> bool:
    """Tell whether any key was ever issued here; two instances that ask wait for each other."""
    await run(work.conn, _ALONE)
    return await row(work.conn, _ANY) is not None


async def _keys_issued(work: Work, events: Sequence[Event[AccessKeyIssued]]) -> None:
    for event in events:
        await take(work, event.data)


async def _keys_revoked(work: Work, events: Sequence[Event[AccessKeyRevoked]]) -> None:
    for event in events:
        await revoke(work, event.data)


ACCESS_REACTIONS: Reactions = {AccessKeyIssued: _keys_issued, AccessKeyRevoked: _keys_revoked}


@dataclass(slots=True)
class _Asked:
    at: float
    answer: asyncio.Task[Principal | None]


class Keys:
    """Recognises keys, remembering the answer for two seconds.

    Requests that come with a key while it is being looked up wait for the one answer: together
    they would take all connections of the store, as often as the answer is forgotten.
    """

    def __init__(self, store: Store, longest_seconds: float) -> None:
        self._store, self._longest_seconds = store, longest_seconds
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._named: OrderedDict[bytes, _Asked] = OrderedDict()

    def remembered_by(self, named: bytes) -> Principal | None:
        """Tell who a header names, if somebody and if that is known without looking."""
        asked = self._named.get(named)
        if asked is None or not asked.answer.done() or not _is_fresh(asked):
            return None
        return asked.answer.result()

    async def recognise(self, key: str, named: bytes = b"") -> Principal | None:
        """Tell whose key it is, if anybody's; `named` is the header that held it, if one did."""
        hashed = hash_of(key)
        asked = self._asked.get(hashed)
        if asked is None or not _is_fresh(asked):
            asked = _Asked(time.monotonic(), asyncio.create_task(self._look_up(hashed)))
            _remember(self._asked, hashed, asked)
        if named:
            _remember(self._named, named, asked)
        try:
            async with asyncio.timeout(self._longest_seconds):
                return await asyncio.shield(asked.answer)
        except TimeoutError as error:
            raise Unavailable(
                "The store does not say whose key this is.",
                advice="Send the same again after the time in Retry-After.",
                headers={"Retry-After": "5"},
            ) from error

    async def _look_up(self, hashed: str) -> Principal | None:
        async with self._store.read() as conn:
            found = await row(conn, _BY_HASH, secret_sha256=hashed)
        return _principal(found) if found else None


def _remember(answers: OrderedDict[KeyT, _Asked], by: KeyT, asked: _Asked) -> None:
    answers[by] = asked
    answers.move_to_end(by)
    if len(answers) > _REMEMBER_MOST:
        answers.popitem(last=False)


def _is_fresh(asked: _Asked) -> bool:
    """Tell whether an answer may be used, or waited for; one that failed may not."""
    if not asked.answer.done():
        return True
    if asked.answer.cancelled() or asked.answer.exception():
        return False
    return time.monotonic() - asked.at < _REMEMBER_SECONDS


def _principal(found: Row) -> Principal:
    return Principal(
        key_id=KeyId(found["key_id"]),
        label=found["label"],
        scopes=frozenset(Scope(scope) for scope in found["scopes"]),
        source=found["source"],
        customer=found["customer"],
    )


def key_in(headers: Mapping[str, str]) -> str | None:
    """Find the key of a request: bearer, basic password, or the header `X-Mejora-Key`."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return credentials.strip()
    if scheme.lower() == "basic" and credentials:
        try:
            return base64.b64decode(credentials).decode().partition(":")[2] or None
        except ValueError:  # no Base64, or no UTF-8 in it
            return None
    return headers.get("x-mejora-key")
