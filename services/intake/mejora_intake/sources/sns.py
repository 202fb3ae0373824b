"""Amazon SNS: what an envelope holds, and whether it really comes from Amazon.

SNS posts a message to an address as JSON whose `Message` is a string; with raw delivery it posts
the message alone. A function that was given the message (Lambda) passes on a list `Records`, each
with the envelope in `Sns`; a queue in between (SQS) has it as text in `body`.

Source: docs.aws.amazon.com, SNS developer guide, "HTTP/HTTPS notification JSON format" and
"Verifying the signatures of Amazon SNS messages".
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

from mejora_intake.sources.reading import mapping_of, text_of


@dataclass(frozen=True, slots=True)
class Published:
    """What somebody published to a topic."""

    content: Any
    """Decoded where it is JSON, else text."""
    subject: str = ""
    topic: str = ""
    id: str = ""
    time: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    confirmation: bool = False
    """It asks for, or tells of the end of, a subscription: nobody published it."""


_MOST_ENVELOPES = 4
"""How many may lie within one another: SNS within SQS within a function's records is three."""


def opened(body: Any) -> Iterator[Published]:
    """Open envelopes, however many lie within one another; what is in none is its own content."""
    for content in _innermost(body):
        inner = mapping_of(content)
        yield _published(inner) if "Message" in inner else Published(content)


def envelopes(body: Any) -> Iterator[Mapping[str, Any]]:
    """Give the envelopes that say which topic they are of, as they came."""
    for content in _innermost(body):
        inner = mapping_of(content)
        if "Message" in inner and "TopicArn" in inner:
            yield inner


def _innermost(body: Any, depth: int = 0) -> Iterator[Any]:
    inner = mapping_of(body)
    if depth < _MOST_ENVELOPES and isinstance(body, list):
        for one in body:
            yield from _innermost(one, depth + 1)
    elif depth < _MOST_ENVELOPES and isinstance(inner.get("Records"), list):
        for record in inner["Records"]:
            yield from _innermost(_of_record(record), depth + 1)
    else:
        yield body


def _of_record(record: Any) -> Any:
    fields = mapping_of(record)
    return fields.get("Sns") or _decoded(fields.get("body")) or record


def _published(envelope: Mapping[str, Any]) -> Published:
    attributes = {
        text_of(name): text_of(mapping_of(value).get("Value"))
        for name, value in mapping_of(envelope.get("MessageAttributes")).items()
    }
    return Published(
        content=_decoded(envelope["Message"]),
        subject=text_of(envelope.get("Subject")),
        topic=text_of(envelope.get("TopicArn")),
        id=text_of(envelope.get("MessageId")),
        time=text_of(envelope.get("Timestamp")),
        attributes=attributes,
        confirmation=text_of(envelope.get("Type")) in _CONFIRMATIONS,
    )


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_CONFIRMATION = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)
_HASHES: Mapping[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
"""By SignatureVersion: Amazon still signs with SHA1 where the topic's owner chose nothing else."""


def is_signed(envelope: Mapping[str, Any], certificate: bytes) -> bool:
    """Tell whether an envelope is signed by the owner of a certificate (PEM).

    The certificate is what lies at the envelope's SigningCertURL; ask `is_signing_certificate_url`
    before you fetch it.
    """
    algorithm = _HASHES.get(text_of(envelope.get("SignatureVersion")))
    if algorithm is None:
        return False
    try:
        signature = base64.b64decode(text_of(envelope.get("Signature")), validate=True)
        key = load_pem_x509_certificate(certificate).public_key()
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return False
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, _signed_text(envelope), PKCS1v15(), algorithm())
    except InvalidSignature:
        return False
    return True


def _signed_text(envelope: Mapping[str, Any]) -> bytes:
    names = _SIGNED_CONFIRMATION if envelope.get("Type") in _CONFIRMATIONS else _SIGNED
    lines = [f"{name}\n{envelope[name]}\n" for name in names if envelope.get(name) is not None]
    return "".join(lines).encode("utf-8", "surrogatepass")


_HOST = re.compile(r"sns\.[a-z0-9-]{2,40}\.amazonaws\.com(\.cn)?")
_ADDRESS = re.compile(r"[!-\[\]-~]{1,2000}")
"""No space, no backslash, nothing that two readers of an address could read in two ways."""


def is_signing_certificate_url(url: object) -> bool:
    """Tell whether an address can hold a certificate of SNS's own."""
    return _is_of_sns(url) and urlsplit(str(url)).path.endswith(".pem")


def is_subscribe_url(url: object) -> bool:
    """Tell whether asking for an address confirms a subscription at SNS, and does nothing else."""
    if not _is_of_sns(url):
        return False
    asked = urlsplit(str(url))
    return asked.path in ("", "/") and parse_qs(asked.query).get("Action") == [
        "ConfirmSubscription"
    ]


def _is_of_sns(url: object) -> bool:
    if not isinstance(url, str) or not _ADDRESS.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc.removesuffix(":443").lower()
    return parts.scheme == "https" and port in (None, 443) and bool(_HOST.fullmatch(host))
