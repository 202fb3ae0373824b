"""Events as CloudEvents 1.0 over the Kafka protocol binding, in both of its modes."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mejora_events.contracts import TYPES
from mejora_events.contracts.access import AccessKeyRevoked
from mejora_events.contracts.base import EventData
from mejora_events.contracts.changes import ChangeKind, ChangeRecorded
from mejora_events.envelope import Event, as_cloudevent, decode, encode, type_of
from mejora_events.errors import Undecodable, UnknownType
from mejora_events.ids import ChangeId, EventId
from mejora_events.record import Delivered, Record
from mejora_events.transports.kafka import _delivered
from support.contracts import TEXTS, TIMES, data_of

AT = datetime(2026, 3, 1, 12, 30, 0, 250000, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
BEGAN = "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01"
STRUCTURED = "application/cloudevents+json"

REQUIRED = ("specversion", "id", "source", "type", "time")

EVENT = Event(
    id=EventId(UUID("0198c0de-0000-7000-8000-000000000001")),
    source="/mejora/diagnosis",
    type=ChangeRecorded.TYPE,
    time=AT,
    subject="réseau 100 %25",
    topic=ChangeRecorded.TOPIC,
    key="réseau 100 %25",
    data=ChangeRecorded(
        change_id=ChangeId(UUID("0198c0de-0000-7000-8000-000000000002")),
        component="réseau 100 %25",
        kind=ChangeKind.DEPLOYMENT,
        version="2.1",
        changed_at=AT,
        changed_by="pipeline",
    ),
    correlation_id="0198c0de-0000-7000-8000-000000000003",
    causation_id="0198c0de-0000-7000-8000-000000000004",
    traceparent=TRACE,
    trace_origin=BEGAN,
)

NAMES = TEXTS.filter(bool)


def events() -> st.SearchStrategy[Event[EventData]]:
    """Give events of all types with whatever their attributes may hold."""

    def around(data: EventData) -> st.SearchStrategy[Event[EventData]]:
        return st.builds(
            Event,
            id=st.uuids().map(EventId),
            source=NAMES,
            type=st.just(data.TYPE),
            time=TIMES,
            subject=NAMES,
            topic=st.just(data.TOPIC),
            key=TEXTS.filter(lambda key: "\0" not in key),
            data=st.just(data),
            correlation_id=st.none() | NAMES,
            causation_id=st.none() | NAMES,
            traceparent=st.none() | st.just(TRACE),
            trace_origin=st.none() | st.just(BEGAN),
        )

    return st.sampled_from(list(TYPES.values())).flatmap(data_of).flatmap(around)


def delivered(record: Record) -> Delivered:
    return Delivered(
        record.topic, record.key, record.headers, record.value, partition=0, offset=7, written_at=AT
    )


def over_kafka(record: Record) -> Delivered:
    """Carry a record through what a Kafka client makes of it: bytes."""
    return from_kafka([(name, value.encode()) for name, value in record.headers.items()], record)


def from_kafka(
    headers: list[tuple[str, bytes]], record: Record, key: bytes | None = None
) -> Delivered:
    return _delivered(
        SimpleNamespace(
            topic=record.topic,
            key=record.key.encode() if key is None else key,
            headers=headers,
            value=record.value,
            partition=0,
            offset=7,
            timestamp=int(AT.timestamp() * 1000),
        )
    )


def structured(content_type: str = STRUCTURED, **changed: Any) -> Delivered:
    """Give the event in structured mode, with attributes changed, or left out by `...`."""
    shown = {**as_cloudevent(EVENT), **changed}
    body = {name: value for name, value in shown.items() if value is not ...}
    headers = {"content-type": content_type, "traceparent": TRACE}
    return delivered(Record(EVENT.topic, EVENT.key, headers, json.dumps(body).encode()))


def binary(headers: Mapping[str, str | None] = {}, value: bytes | None = None) -> Delivered:
    """Give the event in binary mode, with headers changed, or left out by None."""
    record = encode(EVENT)
    changed = {**record.headers, **headers}
    kept = {name: text for name, text in changed.items() if text is not None}
    return delivered(
        Record(record.topic, record.key, kept, record.value if value is None else value)
    )


class TestBinaryMode:
    def test_attributes_are_headers_and_the_value_is_the_data(self) -> None:
        record = encode(EVENT)
        assert record.headers == {
            "ce_specversion": "1.0",
            "ce_id": "0198c0de-0000-7000-8000-000000000001",
            "ce_source": "/mejora/diagnosis",
            "ce_type": "mejora.change.recorded.v1",
            "ce_time": "2026-03-01T12:30:00.250000Z",
            "ce_subject": "réseau 100 %25",
            "content-type": "application/json",
            "ce_correlationid": "0198c0de-0000-7000-8000-000000000003",
            "ce_causationid": "0198c0de-0000-7000-8000-000000000004",
            "traceparent": TRACE,
            "ce_traceparent": BEGAN,
        }
        assert json.loads(record.value)["component"] == "réseau 100 %25"

    def test_what_is_not_known_is_no_header(self) -> None:
        alone = Event(
            id=EVENT.id,
            source=EVENT.source,
            type=EVENT.type,
            time=AT,
            subject="x",
            topic=EVENT.topic,
            key="x",
            data=EVENT.data,
        )
        assert set(encode(alone).headers) == {
            *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject"),
            "content-type",
        }

    @given(event=events())
    @settings(max_examples=150, deadline=None)
    def test_what_is_written_is_read_as_it_was(self, event: Event[EventData]) -> None:
        assert decode(over_kafka(encode(event))) == event

    @given(event=events())
    @settings(max_examples=30, deadline=None)
    def test_the_type_is_told_without_the_data(self, event: Event[EventData]) -> None:
        assert type_of(encode(event)) == event.type

    def test_header_names_are_read_in_any_case(self) -> None:
        record = encode(EVENT)
        shouted = [(name.upper(), value.encode()) for name, value in record.headers.items()]
        assert decode(from_kafka(shouted, record)) == EVENT

    def test_headers_that_nobody_knows_are_no_hindrance(self) -> None:
        assert decode(binary({"x-via": "mirror", "ce_partitionkey": "7"})) == EVENT

    @pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/JSON", None])
    def test_json_is_known_by_its_other_names(self, content_type: str | None) -> None:
        assert decode(binary({"content-type": content_type})) == EVENT

    def test_a_time_of_another_zone_and_precision_is_read(self) -> None:
        read = decode(binary({"ce_time": "2026-03-01T14:30:00.250000999+02:00"}))
        assert read.time == AT
        assert read.time.tzinfo is UTC


class TestStructuredMode:
    @pytest.mark.parametrize(
        "content_type",
        [
            "application/cloudevents+json",
            "application/cloudevents+json; charset=UTF-8",
            "Application/CloudEvents+JSON;charset=utf-8",
        ],
    )
    def test_the_whole_event_is_in_the_value(self, content_type: str) -> None:
        assert decode(structured(content_type)) == EVENT
        assert type_of(structured(content_type)) == EVENT.type

    @given(event=events())
    @settings(max_examples=60, deadline=None)
    def test_what_the_feed_shows_is_read_as_it_was(self, event: Event[EventData]) -> None:
        headers = {"content-type": STRUCTURED}
        if event.traceparent:
            headers["traceparent"] = event.traceparent
        value = json.dumps(as_cloudevent(event)).encode()
        read = decode(delivered(Record(event.topic, event.key, headers, value)))
        if event.traceparent is None:
            assert read.traceparent == event.trace_origin
        else:
            assert read == event

    def test_binary_data_is_base64(self) -> None:
        encoded = base64.b64encode(EVENT.data.model_dump_json().encode()).decode()
        assert decode(structured(data=..., data_base64=encoded)) == EVENT

    def test_an_attribute_that_is_null_is_not_there(self) -> None:
        assert decode(structured(correlationid=None)).correlation_id is None

    def test_without_a_content_type_the_data_is_json(self) -> None:
        assert decode(structured(datacontenttype=...)) == EVENT


class TestUndecodable:
    @pytest.mark.parametrize("name", REQUIRED)
    @pytest.mark.parametrize("absent", [None, ""])
    def test_a_missing_attribute_is_named(self, name: str, absent: str | None) -> None:
        with pytest.raises(Undecodable, match=f"the attribute ce_{name} is missing"):
            decode(binary({f"ce_{name}": absent}))

    @pytest.mark.parametrize("name", REQUIRED)
    @pytest.mark.parametrize("absent", [None, "", ...])
    def test_a_missing_attribute_is_named_in_structured_mode(self, name: str, absent: Any) -> None:
        with pytest.raises(Undecodable, match=f"the attribute {name} is missing"):
            decode(structured(**{name: absent}))

    def test_a_record_without_a_type_is_undecodable_before_its_data_is_read(self) -> None:
        with pytest.raises(Undecodable, match="ce_type is missing"):
            type_of(binary({"ce_type": None}))

    @pytest.mark.parametrize(
        ("headers", "said"),
        [
            ({"ce_specversion": "0.3"}, "ce_specversion is not 1.0"),
            ({"ce_id": "42"}, "ce_id is no UUID"),
            ({"ce_time": "yesterday"}, "ce_time is no RFC 3339 time"),
            ({"ce_time": "2026-03-01T12:30:00"}, "ce_time has no time zone"),
            ({"ce_time": "0001-01-01T00:00:00+14:00"}, "ce_time is outside of all years"),
            ({"content-type": "application/avro"}, "content-type is not application/json"),
            ({"content-type": "application/cloudevents+avro"}, "only JSON is read"),
            ({"content-type": "application/cloudevents-batch+json"}, "only JSON is read"),
        ],
    )
    def test_a_wrong_attribute_is_named(self, headers: dict[str, str], said: str) -> None:
        with pytest.raises(Undecodable, match=said) as raised:
            decode(binary(headers))
        assert not isinstance(raised.value, UnknownType)

    @pytest.mark.parametrize(
        "value", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"component": "\xff"}', b'{"kind": 1}']
    )
    def test_a_value_that_is_no_data_of_its_type_is_undecodable(self, value: bytes) -> None:
        with pytest.raises(Undecodable, match=r"the data is no mejora\.change\.recorded\.v1"):
            decode(binary(value=value))

    def test_the_field_that_is_wrong_is_named_and_its_value_is_not_told(self) -> None:
        secret = b'{"key_id": "hunter2", "revoked_at": "2026-03-01T12:30:00Z"}'
        with pytest.raises(Undecodable, match="key_id") as raised:
            decode(binary({"ce_type": AccessKeyRevoked.TYPE}, secret))
        assert "hunter2" not in str(raised.value)

    @pytest.mark.parametrize("value", [b"", b"{", b"[]", b"\xff", b'"text"'])
    def test_a_structured_value_that_is_no_object_is_undecodable(self, value: bytes) -> None:
        record = Record(EVENT.topic, EVENT.key, {"content-type": STRUCTURED}, value)
        with pytest.raises(Undecodable, match="the structured event is no JSON"):
            decode(delivered(record))
        with pytest.raises(Undecodable, match="the structured event is no JSON"):
            type_of(record)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"data": ...}, "has no `data`"),
            ({"data": None}, "has no `data`"),
            ({"data": "text"}, "the data is no"),
            ({"data": ..., "data_base64": "?"}, "`data_base64` is no Base64"),
            ({"datacontenttype": "application/xml"}, "datacontenttype is not application/json"),
            ({"specversion": 1.0}, "specversion is no text"),
            ({"id": 7}, "id is no text"),
        ],
    )
    def test_a_structured_event_that_is_wrong_is_told(
        self, changed: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(Undecodable, match=said):
            decode(structured(**changed))

    @given(
        headers=st.dictionaries(
            st.sampled_from([*encode(EVENT).headers, "x-other"]), st.text(max_size=30)
        ),
        value=st.binary(max_size=40) | st.just(encode(EVENT).value),
    )
    @settings(deadline=None)
    def test_whatever_comes_is_an_event_or_undecodable(
        self, headers: dict[str, str], value: bytes
    ) -> None:
        try:
            decode(binary(headers, value))
        except Undecodable as error:
            assert str(error)


class TestUnknownTypes:
    @pytest.mark.parametrize("event_type", ["mejora.change.recorded.v2", "com.example.sold"])
    def test_a_type_of_a_newer_version_is_told_apart(self, event_type: str) -> None:
        record = binary({"ce_type": event_type}, b"not even JSON")
        assert type_of(record) == event_type
        with pytest.raises(UnknownType, match=event_type):
            decode(record)

    def test_so_it_is_in_structured_mode(self) -> None:
        record = structured(type="mejora.change.recorded.v2", data=...)
        assert type_of(record) == "mejora.change.recorded.v2"
        with pytest.raises(UnknownType):
            decode(record)


class TestOfKafka:
    def test_text_that_is_no_utf_8_is_read_and_marked(self) -> None:
        record = encode(EVENT)
        headers = [(name, value.encode()) for name, value in record.headers.items()]
        assert decode(from_kafka([*headers, ("x-note", b"caf\xe9")], record)) == EVENT
        read = from_kafka([*headers, ("ce_subject", b"caf\xe9")], record)
        assert decode(read).subject == "caf\N{REPLACEMENT CHARACTER}"

    def test_a_key_that_no_store_could_keep_is_marked(self) -> None:
        read = from_kafka([], encode(EVENT), key=b"a\0b\xe9")
        assert read.key == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
