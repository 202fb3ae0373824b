"""Bodies that are packed, in another encoding, or almost JSON."""

import gzip
import zlib

import orjson
import pytest

from mejora_intake.sources.kind import NotJson
from mejora_intake.sources.opentelemetry import read as read_export
from mejora_intake.sources.plain import plain
from support.messages import a_message

BODY = '{"component": "Küche", "state": "firing"}'
JSON = "application/json"


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_what_is_packed_is_unpacked_once(pack: object) -> None:
    packed = gzip.compress(BODY.encode()) if pack is gzip.compress else zlib.compress(BODY.encode())
    said = "gzip" if pack is gzip.compress else "deflate"
    message = plain(a_message(packed, content_encoding=said))
    assert message.body == BODY.encode() and plain(message) == message


def test_gzip_is_known_by_its_first_bytes() -> None:
    assert plain(a_message(gzip.compress(BODY.encode()))).body == BODY.encode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    assert plain(a_message(BODY.encode(encoding))).body == BODY.encode()


@pytest.mark.parametrize(
    ("said", "encoding"),
    [("iso-8859-1", "latin-1"), ('"UTF-16LE"', "utf-16-le"), ("utf-8", "utf-8")],
)
def test_a_charset_tells_the_encoding(said: str, encoding: str) -> None:
    message = a_message(BODY.encode(encoding), content_type=f"{JSON}; charset={said}")
    assert plain(message).body == BODY.encode()


@pytest.mark.parametrize("said", ["nothing-known", "", "base64", "\x00"])
def test_a_charset_that_is_none_changes_nothing(said: str) -> None:
    message = a_message(BODY.encode(), content_type=f"{JSON}; charset={said}")
    assert plain(message).body == BODY.encode()


@pytest.mark.parametrize(
    ("body", "said", "words"),
    [
        (orjson.dumps({}), "zstd", "zstd"),
        (b"\x1f\x8bno", "", "not compressed"),
        (gzip.compress(b" " * 40_000_000), "gzip", "bytes"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(body: bytes, said: str, words: str) -> None:
    with pytest.raises(NotJson, match=words):
        plain(a_message(body, content_encoding=said))


def test_an_export_in_gzip_is_read_as_one() -> None:
    packed = gzip.compress(orjson.dumps({"resourceLogs": []}))
    assert read_export(plain(a_message(packed, content_encoding="gzip"))).remarks


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"load": NaN}', {"load": None}),
        (b'{"load": [Infinity, -Infinity, 1e999]}', {"load": [None, None, None]}),
        (b'{"text": "two\nlines"}', {"text": "two\nlines"}),
        (BODY.encode("cp1252"), orjson.loads(BODY)),
        (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_what_is_almost_json_is_read_and_kept_as_json(body: bytes, value: object) -> None:
    message = a_message(body)
    assert message.json() == value and orjson.loads(message.kept()) == value


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN,", b"[" * 100_000, b"[NaN," + b"[" * 300 + b"]" * 301, b"\x00\xff"]
)
def test_what_is_no_json_is_refused_and_kept_as_text(body: bytes) -> None:
    message = a_message(body)
    with pytest.raises(NotJson):
        message.json()
    assert isinstance(orjson.loads(message.kept()), str)
