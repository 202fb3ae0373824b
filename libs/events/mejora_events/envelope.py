"""CloudEvents 1.0 over the Kafka protocol binding: written in binary mode, read in both modes.

Source: cloudevents.io, spec v1.0.2 and its Kafka protocol binding v1.0.2. In binary mode the
attributes are headers with the prefix `ce_`, `datacontenttype` is the header `content-type`, and
the record's value is the data. In structured mode the value is the whole event as JSON and the
content type begins with `application/cloudevents`.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError

from mejora_events.contracts import TYPES
from mejora_events.contracts.base import EventData
from mejora_events.errors import Undecodable, UnknownType
from mejora_events.ids import EventId
from mejora_events.record import Delivered, Record

SPECVERSION = "1.0"
JSON = "application/json"
STRUCTURED = "application/cloudevents"

DataT = TypeVar("DataT", bound=EventData, covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[DataT]):
    """A fact with its envelope. `source` and `id` together name it once and for all."""

    id: EventId
    source: str
    type: str
    time: datetime
    subject: str
    topic: str
    key: str
    data: DataT
    correlation_id: str | None = None
    """The incident or problem that the chain is about."""
    causation_id: str | None = None
    """The event that caused this one."""
    traceparent: str | None = None
    """The W3C trace context of the hop that wrote it."""
    trace_origin: str | None = None
    """The trace context of the hop that began the chain (`ce_traceparent`)."""


def encode(event: Event[EventData]) -> Record:
    """Write an event as a record in binary mode."""
    headers = {
        "ce_specversion": SPECVERSION,
        "ce_id": str(event.id),
        "ce_source": event.source,
        "ce_type": event.type,
        "ce_time": _rfc3339(event.time),
        "ce_subject": event.subject,
        "content-type": JSON,
    }
    optional = {
        "ce_correlationid": event.correlation_id,
        "ce_causationid": event.causation_id,
        "traceparent": event.traceparent,
        "ce_traceparent": event.trace_origin,
    }
    headers.update({name: value for name, value in optional.items() if value is not None})
    return Record(event.topic, event.key, headers, event.data.model_dump_json().encode())


def type_of(record: Record) -> str:
    """Tell a record's event type without reading its data; raises Undecodable."""
    if _is_structured(record.headers):
        return _text(_structured(record), "type")
    return _text(record.headers, "ce_type")


def decode(record: Delivered) -> Event[Any]:
    """Read a record of either mode; raises Undecodable, naming what is missing or wrong.

    A type that is none of Mejora's raises UnknownType, which is an Undecodable that may be fine.
    """
    structured = _is_structured(record.headers)
    if structured:
        attributes, prefix, content_type = _structured(record), "", "datacontenttype"
    else:
        attributes, prefix, content_type = record.headers, "ce_", "content-type"
    if _text(attributes, prefix + "specversion") != SPECVERSION:
        raise Undecodable(f"{prefix}specversion is not {SPECVERSION}")
    event_type = _text(attributes, prefix + "type")
    contract = TYPES.get(event_type)
    if contract is None:
        raise UnknownType(f"the type {event_type!r} is not one of Mejora's")
    if not _is_json(_optional(attributes, content_type)):
        raise Undecodable(f"{content_type} is not {JSON}: {attributes[content_type]!r}")
    try:
        value = contract.model_validate_json(
            _structured_data(attributes) if structured else record.value
        )
    except ValidationError as error:
        raise Undecodable(f"the data is no {event_type}: {_first_error(error)}") from error
    trace_origin = _optional(attributes, prefix + "traceparent")
    hop = record.headers.get("traceparent") or (trace_origin if structured else None)
    return Event(
        id=_id(attributes, prefix + "id"),
        source=_text(attributes, prefix + "source"),
        type=event_type,
        time=_time(attributes, prefix + "time"),
        subject=str(attributes.get(prefix + "subject") or value.key()),
        topic=record.topic,
        key=record.key,
        data=value,
        correlation_id=_optional(attributes, prefix + "correlationid"),
        causation_id=_optional(attributes, prefix + "causationid"),
        traceparent=hop,
        trace_origin=trace_origin,
    )


def as_cloudevent(event: Event[EventData]) -> dict[str, Any]:
    """Give an event in the JSON format (structured form), as the HTTP feed shows it."""
    shown: dict[str, Any] = {
        "specversion": SPECVERSION,
        "id": str(event.id),
        "source": event.source,
        "type": event.type,
        "time": _rfc3339(event.time),
        "subject": event.subject,
        "datacontenttype": JSON,
        "correlationid": event.correlation_id,
        "causationid": event.causation_id,
        "traceparent": event.trace_origin,
        "data": event.data.model_dump(mode="json"),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _is_structured(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").lower().startswith(STRUCTURED)


def _structured(record: Record) -> Mapping[str, Any]:
    content_type = record.headers["content-type"]
    if _media_type(content_type) != STRUCTURED + "+json":
        raise Undecodable(f"of the event formats only JSON is read, not {content_type!r}")
    try:
        attributes = orjson.loads(record.value)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"the structured event is no JSON: {error}") from error
    if not isinstance(attributes, dict):
        raise Undecodable("the structured event is no JSON object")
    return attributes


def _structured_data(attributes: Mapping[str, Any]) -> bytes:
    if isinstance(attributes.get("data_base64"), str):
        try:
            return base64.b64decode(attributes["data_base64"], validate=True)
        except ValueError as error:
            raise Undecodable(f"`data_base64` is no Base64: {error}") from error
    if attributes.get("data") is None:
        raise Undecodable("the structured event has no `data`")
    return orjson.dumps(attributes["data"])


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(content_type: str | None) -> bool:
    """Tell whether data is JSON, which it also is when nobody says what it is."""
    if content_type is None or content_type == JSON:
        return True
    subtype = _media_type(content_type).partition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def _text(attributes: Mapping[str, Any], name: str) -> str:
    value = attributes.get(name)
    if value is None or value == "":
        raise Undecodable(f"the attribute {name} is missing")
    if not isinstance(value, str):
        raise Undecodable(f"the attribute {name} is no text: {value!r}")
    return value


def _optional(attributes: Mapping[str, Any], name: str) -> str | None:
    value = attributes.get(name)
    return str(value) if value else None


def _id(attributes: Mapping[str, Any], name: str) -> EventId:
    value = _text(attributes, name)
    try:
        return EventId(UUID(value))
    except ValueError as error:
        raise Undecodable(f"the attribute {name} is no UUID: {value!r}") from error


def _time(attributes: Mapping[str, Any], name: str) -> datetime:
    value = _text(attributes, name)
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise Undecodable(f"the attribute {name} is no RFC 3339 time: {value!r}") from error
    if time.tzinfo is None:
        raise Undecodable(f"the attribute {name} has no time zone: {value!r}")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise Undecodable(f"the attribute {name} is outside of all years: {value!r}") from error


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{where}: {first['msg']}"
