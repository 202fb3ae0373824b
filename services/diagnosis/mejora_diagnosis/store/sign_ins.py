"""Who is signed in to the pages: a browser holds a token, the store its hash and whose it is."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mejora_events.ids import KeyId
from mejora_events.sql import row, run
from mejora_events.store import Work

_ADD = """
insert into sign_in (token_sha256, key_id, ends_at) values (:token_sha256, :key_id, :ends_at)
"""

_KEY = "select key_id from sign_in where token_sha256 = :token_sha256 and ends_at > :now"

_END = "delete from sign_in where token_sha256 = :token_sha256"

_FORGET = "delete from sign_in where ends_at <= :now"


async def begin(work: Work, key_id: KeyId, ends_at: datetime) -> str:
    """Sign the holder of a key in until then; give the token, which is not stored."""
    token = secrets.token_urlsafe(32)
    await run(work.conn, _ADD, token_sha256=_hash(token), key_id=key_id, ends_at=ends_at)
    return token


async def key_of(conn: AsyncConnection, token: str, now: datetime) -> KeyId | None:
    """Tell whose key a token was given for, unless that has ended."""
    found = await row(conn, _KEY, token_sha256=_hash(token), now=now)
    return KeyId(found["key_id"]) if found else None


async def end(work: Work, token: str) -> None:
    """Sign out."""
    await run(work.conn, _END, token_sha256=_hash(token))


async def forget(work: Work) -> None:
    """Take away those that have ended."""
    await run(work.conn, _FORGET, now=work.now)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
