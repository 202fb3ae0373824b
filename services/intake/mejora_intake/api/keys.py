"""Routes by which an administrator issues and revokes keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from mejora_events.contracts.access import AccessKeyRevoked, Scope
from mejora_events.contracts.base import Time
from mejora_events.ids import KeyId
from mejora_events.sql import rows
from mejora_events.store import Work
from mejora_service import keys
from mejora_service.errors import NotFound
from mejora_service.paging import Page, PageQuery
from mejora_service.web import Command, Reading, administering, reading_with

router = APIRouter(prefix="/v1/keys", tags=["keys"])


class KeyWanted(BaseModel):
    """What a key is to be for."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Field(min_length=1, max_length=200)]
    """For whom it is: a monitor, a team's role. It is shown in timelines."""
    scopes: Annotated[set[Scope], Field(min_length=1)]
    source: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The only source that it may post for."""
    customer: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The only customer whose data it may see."""


class KeyShown(BaseModel):
    """A key, without the key itself."""

    key_id: UUID
    label: str
    scopes: list[Scope]
    source: str | None
    customer: str | None
    issued_at: Time | None
    revoked_at: Time | None


class KeyIssued(BaseModel):
    """A new key. The key itself is shown only now."""

    key: str
    key_id: UUID


_LIST = """
select key_id, label, scopes, source, customer, issued_at, revoked_at from access_key
where (cast(:after as uuid) is null or key_id < :after)
  and (cast(:only as uuid) is null or key_id = :only)
order by key_id desc limit :limit
"""


@router.post("", status_code=201)
async def issue_key(
    wanted: KeyWanted, command: Annotated[Command, Depends(administering)]
) -> KeyIssued:
    """Issue a key; every service knows it within moments."""

    async def do(work: Work) -> KeyIssued:
        key, issued = keys.issue(
            work,
            sorted(wanted.scopes),
            label=wanted.label,
            source=wanted.source,
            customer=wanted.customer,
        )
        await keys.take(work, issued)
        work.emit(issued)
        return KeyIssued(key=key, key_id=issued.key_id)

    return await command.run(do, shown_once=True)


@router.get("")
async def list_keys(
    query: Annotated[Reading, Depends(reading_with(Scope.ADMIN))],
    page: Annotated[PageQuery, Depends()],
) -> Page[KeyShown]:
    """List keys, the revoked ones too."""
    async with query.conn() as conn:
        found = await rows(conn, _LIST, after=page.after, only=None, limit=page.fetch)
    return page.of([KeyShown(**r) for r in found], id_of=lambda key: key.key_id)


@router.post("/{key_id}/revoke")
async def revoke_key(key_id: UUID, command: Annotated[Command, Depends(administering)]) -> KeyShown:
    """Revoke a key; within seconds no service takes it any more."""

    async def do(work: Work) -> KeyShown:
        if not await rows(work.conn, _LIST, after=None, only=key_id, limit=1):
            raise NotFound(
                f"No key has the id {key_id}.", advice="List them with GET /intake/v1/keys."
            )
        revoked = AccessKeyRevoked(key_id=KeyId(key_id), revoked_at=work.now)
        await keys.revoke(work, revoked)
        work.emit(revoked)
        (found,) = await rows(work.conn, _LIST, after=None, only=key_id, limit=1)
        return KeyShown(**found)

    return await command.run(do)
