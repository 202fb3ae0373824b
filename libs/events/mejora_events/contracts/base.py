"""What every contract shares: the frame of an event's data, and types that several topics use."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

FIRST_MOMENT = datetime.min.replace(tzinfo=UTC) + timedelta(microseconds=1)
LAST_MOMENT = datetime.max.replace(tzinfo=UTC) - timedelta(microseconds=1)
"""What a store takes for a moment: to its driver the next ones are infinity, which has no zone."""


def in_utc(value: datetime) -> datetime:
    """Give an aware moment in UTC; raises ValueError when UTC has none for it."""
    try:
        return min(max(value.astimezone(UTC), FIRST_MOMENT), LAST_MOMENT)
    except OverflowError as error:
        raise ValueError("the moment lies outside the years 1 to 9999 of UTC") from error


Time = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""A moment: aware, and always UTC once it has been read."""


class Value(BaseModel):
    """A part of an event. Unknown fields are ignored, so that a newer writer can add some.

    Numbers are finite, since JSON has no others. What is written below a field describes it in the
    generated schemas.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", allow_inf_nan=False, use_attribute_docstrings=True
    )


class EventData(Value):
    """The data of one event type: a fact in the past tense, never changed once it is out."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    def key(self) -> str:
        """Tell the partition key: events of one key are read in the order they were written."""
        raise NotImplementedError


class Severity(StrEnum):
    """How bad the sender says it is, after mapping from the vendor's own scale."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """Who noticed."""

    INTERNAL = "internal"
    CUSTOMER = "customer"


class Channel(StrEnum):
    """How service came back: the normal way, or another way of serving the customer meanwhile."""

    RESTORE = "restore"
    ALTERNATE = "alternate"


def _of_sane_size(value: Decimal) -> Decimal:
    # 1E+999999999 is eleven characters to send and a gigabyte to write out in full.
    if not -40 <= value.adjusted() <= 40:
        raise ValueError("an amount has its first digit within 40 places of the decimal point")
    return value


def _in_full(value: Decimal) -> str:
    return format(value, "f")


_PLAIN_DECIMAL = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}

Amount = Annotated[
    Decimal,
    AfterValidator(_of_sane_size),
    PlainSerializer(_in_full, return_type=str, when_used="json"),
    WithJsonSchema(_PLAIN_DECIMAL, mode="serialization"),
    WithJsonSchema({"anyOf": [{"type": "number"}, _PLAIN_DECIMAL]}, mode="validation"),
]
"""A decimal number, exact: written as a string of digits without an exponent, read from either."""


class Money(Value):
    """An amount in a currency (ISO 4217)."""

    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"


class Link(Value):
    """Where a person can look further: a graph, a runbook, the monitor's own page."""

    href: str
    text: str = ""
