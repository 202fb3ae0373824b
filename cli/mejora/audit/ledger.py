"""What a client knows to have been accepted: a line of JSON for each message answered with 202."""

from collections.abc import Iterable
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError


class LedgerUnreadable(ValueError):
    """A line of the ledger is none; the message names it."""


class Accepted(BaseModel):
    """A message that was accepted: its source, and its id and incident as the answer gave them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str
    id: str
    incident_id: UUID | None
    """Empty when the message said that something ended of which nothing was known."""


def read_ledger(lines: Iterable[str]) -> list[Accepted]:
    """Read a ledger; raises LedgerUnreadable."""
    accepted = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                accepted.append(Accepted.model_validate_json(line))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                where = ".".join(map(str, first["loc"])) or "the line"
                raise LedgerUnreadable(f"line {number}: {where}: {first['msg']}") from error
    return accepted
