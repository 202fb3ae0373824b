"""`mejora.dead-letters`: records that a consumer could not use. Key: the original key."""

from typing import ClassVar

from mejora_events.contracts.base import EventData, Time
from mejora_events.ids import LetterId

TOPIC = "mejora.dead-letters"


class DeadLetterRecorded(EventData):
    """A record could not be decoded, or still failed after its retries; its key is parked."""

    TYPE: ClassVar[str] = "mejora.dead-letter.recorded.v1"
    TOPIC: ClassVar[str] = TOPIC

    letter_id: LetterId
    consumer: str
    reason: str
    attempts: int
    failed_at: Time
    original_topic: str
    original_partition: int
    original_offset: int
    original_key: str
    original_headers: dict[str, str]
    original_value_base64: str

    def key(self) -> str:
        return self.original_key
