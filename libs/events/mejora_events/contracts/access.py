"""`mejora.access`: who may. Hashes, scopes and ties only. Key: the key's id; the newest is kept."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from mejora_events.contracts.base import EventData, Time
from mejora_events.ids import KeyId

TOPIC = "mejora.access"


class Scope(StrEnum):
    """What a key may do."""

    INGEST = "ingest"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


class AccessKeyIssued(EventData):
    """A key may be used."""

    TYPE: ClassVar[str] = "mejora.access.key-issued.v1"
    TOPIC: ClassVar[str] = TOPIC

    key_id: KeyId
    secret_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: tuple[Scope, ...]
    label: str = ""
    source: str | None = None
    """The only source that it may post for; empty means any."""
    customer: str | None = None
    """The only customer whose data it may see; empty means all."""
    issued_at: Time

    def key(self) -> str:
        return str(self.key_id)


class AccessKeyRevoked(EventData):
    """A key may no longer be used."""

    TYPE: ClassVar[str] = "mejora.access.key-revoked.v1"
    TOPIC: ClassVar[str] = TOPIC

    key_id: KeyId
    revoked_at: Time

    def key(self) -> str:
        return str(self.key_id)
