"""Records as a transport carries them, whatever the transport."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Record:
    """A record to be written: headers and key are text, the value is the body's bytes.

    Header names are in lower case: CloudEvents writes them so, and a transport that reads others
    lowers them.
    """

    topic: str
    key: str
    headers: Mapping[str, str]
    value: bytes


@dataclass(frozen=True, slots=True)
class Delivered(Record):
    """A record as it was read, with its place in the log and when it was written."""

    partition: int
    offset: int
    written_at: datetime

    @property
    def place(self) -> str:
        """Tell where it stands, for people: topic[partition]@offset."""
        return f"{self.topic}[{self.partition}]@{self.offset}"
