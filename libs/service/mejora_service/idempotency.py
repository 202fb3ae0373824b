"""Idempotency-Key: a command that is sent twice is carried out once and answered the same."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mejora_events.sql import as_json, from_json, row, run
from mejora_events.store import Work
from mejora_service.errors import Conflict, Invalid

# Takes the key; a second request with it waits here for the first one's commit.
_TAKE = """
insert into idempotency_key (key_id, idempotency_key, request_sha256)
values (:key_id, :idempotency_key, :request_sha256)
on conflict do nothing
returning true as taken
"""

_ANSWERED = """
select request_sha256, status, answer from idempotency_key
where key_id = :key_id and idempotency_key = :idempotency_key
"""

_ANSWER = """
update idempotency_key set status = :status, answer = cast(:answer as jsonb)
where key_id = :key_id and idempotency_key = :idempotency_key
"""

FORGET = "delete from idempotency_key where answered_at < now() - interval '1 day'"


class AnsweredBefore(Exception):
    """The command was carried out before: this is what it was answered."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(status)
        self.status, self.answer = status, answer


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's name for one command."""

    key_id: UUID
    value: str
    request_sha256: str

    @classmethod
    def of(cls, key_id: UUID, value: str, method: str, path: str, body: bytes) -> "IdempotencyKey":
        """Name a command by its caller and its header; what it asks for is kept as a hash."""
        hashed = hashlib.sha256(f"{method} {path}\n".encode() + body).hexdigest()
        return cls(key_id, value, hashed)

    async def take(self, work: Work) -> None:
        """Take the key for this command, or raise AnsweredBefore with its former answer."""
        mine = {"key_id": self.key_id, "idempotency_key": self.value}
        if await row(work.conn, _TAKE, **mine, request_sha256=self.request_sha256):
            return
        before = await row(work.conn, _ANSWERED, **mine)
        if before is None or before["request_sha256"] != self.request_sha256:
            raise Invalid(
                "This Idempotency-Key was used for another request.",
                advice="Send a new key with each new command, the same only with a repetition.",
            )
        if before["status"] is None:
            raise Conflict(
                "This was carried out before, and its answer is shown only once.",
                advice="Undo it (revoke the key) and ask again with a new Idempotency-Key.",
            )
        raise AnsweredBefore(before["status"], from_json(before["answer"]))

    async def keep(self, work: Work, status: int | None, answer: Any) -> None:
        """Keep the answer for a repetition; without a status, only that there was one."""
        await run(
            work.conn,
            _ANSWER,
            key_id=self.key_id,
            idempotency_key=self.value,
            status=status,
            answer=as_json(answer) if answer is not None else "null",
        )
