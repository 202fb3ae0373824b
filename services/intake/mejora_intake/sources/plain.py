"""Bodies as their readers want them: unpacked, and text as UTF-8 without a mark."""

import codecs
import zlib
from dataclasses import replace
from email.message import Message as MimeMessage

from mejora_intake.sources.kind import Message, NotJson

MOST_BYTES = 32_000_000
"""A body that unpacks to more is refused."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def plain(message: Message) -> Message:
    """Give a message whose body is neither packed nor in another encoding than UTF-8.

    What is gzipped is told by its header or by its first bytes; an encoding by its byte order
    mark, or by the `charset` of the content type. Raises NotJson for what cannot be unpacked.
    """
    headers = {name.lower(): value for name, value in message.headers.items()}
    body = _unpacked(message.body, headers.pop("content-encoding", "").strip().lower())
    return replace(message, body=_in_utf8(body, headers.get("content-type", "")), headers=headers)


def _unpacked(body: bytes, said: str) -> bytes:
    if said not in ("", "identity", "gzip", "deflate"):
        raise NotJson(f"a body is plain or gzipped, not {said[:50]}")
    if said not in ("gzip", "deflate") and not body.startswith(b"\x1f\x8b"):
        return body
    try:
        unpacked = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, MOST_BYTES)
    except zlib.error as error:
        raise NotJson(f"the body is not compressed as it says ({error})") from error
    if len(unpacked) >= MOST_BYTES:
        raise NotJson(f"a body may unpack to less than {MOST_BYTES} bytes")
    return unpacked


def _in_utf8(body: bytes, content_type: str) -> bytes:
    encoding = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    encoding = encoding or _charset(content_type)
    if encoding in (None, "utf-8", "us-ascii"):
        return body
    try:
        return body.decode(encoding, "replace").encode("utf-8", "replace")
    except (LookupError, ValueError):
        return body


def _charset(content_type: str) -> str | None:
    if "charset" not in content_type.lower():
        return None
    head = MimeMessage()
    head["Content-Type"] = " ".join(content_type.split())
    return head.get_content_charset()
