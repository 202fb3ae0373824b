"""What is read quickly is read as `SignalPosted` reads it, and what it refuses is never taken."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mejora_intake.api.quick import quickly, split
from mejora_intake.api.signals import SignalPosted

texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["", " ", "cart", " cart", "cart\x1c", "cart\x85", "\u3000cart", "\0", "x" * 501]
    ),
)
moments = st.one_of(
    st.datetimes().map(lambda t: t.isoformat()),
    st.builds(
        lambda t, end: t.isoformat(timespec="milliseconds") + end,
        st.datetimes(),
        st.sampled_from(["Z", "z", "+00:00", "-00:00", "+0000", "+05:30", "-23:59", "+24:00"]),
    ),
    st.sampled_from(
        [
            "",
            "noon",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "2026-02-30T00:00:00Z",
            "2026-11-25T24:00:00Z",
            "2026-11-25T12:00:60Z",
            "2026-11-25T12:00Z",
            "2026-11-25 12:00:00Z",
            "2026-11-25T12:00:00,5Z",
            "2026-11-25",
            1764072000,
            1764072000.25,
            None,
        ]
    ),
)
values: dict[str, st.SearchStrategy[Any]] = {
    "id": st.one_of(st.none(), texts, st.booleans()),
    "fingerprint": st.one_of(st.none(), texts),
    "description": texts,
    "state": st.sampled_from(["firing", "resolved", "Firing", "", None, 1]),
    "severity": st.sampled_from(["critical", "info", "worst", None]),
    "started_at": moments,
    "ended_at": moments,
    "received_at": moments,
    "origin": st.sampled_from(["internal", "customer", "nobody"]),
    "labels": st.one_of(
        st.none(), st.dictionaries(texts, st.one_of(texts, st.booleans(), st.none()), max_size=3)
    ),
    "links": st.lists(
        st.fixed_dictionaries(
            {"href": st.one_of(texts, st.booleans())},
            optional={"text": texts, "rel": st.one_of(texts, st.booleans())},
        ),
        max_size=2,
    ),
    "host": texts,
}
signals = st.fixed_dictionaries(
    {"source": texts, "component": texts, "summary": texts}, optional=values
)


def as_read(signal: Any) -> dict[str, Any]:
    """Give what was read, field by field."""
    fields = {name: getattr(signal, name) for name in SignalPosted.model_fields}
    return {**fields, "links": [(link.href, link.text) for link in signal.links]}


@given(signals)
def test_what_is_read_quickly_is_read_as_with_care(signal: dict[str, Any]) -> None:
    body = orjson.dumps(signal)
    read = quickly([body])
    try:
        careful = SignalPosted.model_validate_json(body)
    except ValidationError:
        assert read is None
    else:
        assert read is None or as_read(read[0]) == as_read(careful)


def test_a_monitors_usual_signal_is_read_quickly() -> None:
    body = orjson.dumps(
        {
            "source": "probe",
            "id": "1",
            "component": "cart",
            "summary": "The cart is slow",
            "state": "firing",
            "severity": "error",
            "started_at": "2026-11-25T12:00:00.123+00:00",
            "labels": {"host": "cart-1"},
            "links": [{"href": "https://graphs.example.com", "text": "graph"}],
        }
    )
    assert quickly([body]) is not None


@pytest.mark.parametrize(
    ("array", "elements"),
    [
        (b'[ {"a": 1} ,\n[2, "]"], "x" ]', [b'{"a": 1}', b'[2, "]"]', b'"x"']),
        (b"[]", []),
        (b'[{"a": 1}', None),
        (b'{"a": 1}', None),
        (b"[" * 100_000, None),
    ],
)
def test_an_array_is_split_as_it_came(array: bytes, elements: list[bytes] | None) -> None:
    assert split(array) == elements
