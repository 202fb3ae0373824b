"""What every source's reader needs: getting what can be had, and saying what could not."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.message import Message as MimeMessage
from email.parser import BytesParser
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from mejora_events.contracts.base import Link, Severity, in_utc
from mejora_events.ids import new_id
from mejora_intake.model import UNNAMED, Signal, SignalState
from mejora_intake.sources.kind import Message, NotUnderstood
from mejora_intake.sources.spelled import spelled_time_of


def text_of(value: object, most: int = 10_000) -> str:
    """Give a value as text that a store can keep, cut to a length."""
    if value is None:
        return ""
    try:
        text = value if isinstance(value, str) else str(value)
    except RecursionError:
        return ""
    if len(text) > most:
        text = text[:most]
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text.strip()


def labels_of(value: object) -> dict[str, str]:
    """Give a JSON object as labels; anything else is no labels."""
    if not isinstance(value, dict):
        return {}
    return {text_of(name, 200): text_of(label, 2000) for name, label in value.items()}


def time_of(value: object) -> datetime | None:
    """Read an RFC 3339 time, of any fraction; None for none, for year 1 and for what is no time."""
    if not isinstance(value, str) or not value:
        return None
    try:
        time = datetime.fromisoformat(_with_six_digits(value.strip()))
        time = in_utc(time if time.tzinfo else time.replace(tzinfo=UTC))
    except ValueError:
        return None
    return time if time.year > 1 else None


def unix_time_of(value: object) -> datetime | None:
    """Read seconds, milliseconds, microseconds or nanoseconds since 1970; None for none or 0.

    The unit is told by the size: no monitor speaks of a time before 1973 or after 5138 in
    seconds, and each unit begins where the one before has become impossible.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = float(value)
        if not isfinite(count):
            return None
        while abs(count) >= _MOST_SECONDS:
            count /= 1000
        return datetime.fromtimestamp(count, UTC) if count else None
    except (ValueError, OverflowError, OSError):
        return None


_MOST_SECONDS = 100_000_000_000


def _with_six_digits(value: str) -> str:
    """Cut a fraction of a second to what Python keeps (Go writes nine digits)."""
    head, dot, tail = value.partition(".")
    if not dot:
        return value
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"


_SEVERITIES = {
    Severity.CRITICAL: (
        *("critical", "crit", "fatal", "emergency", "emerg", "panic", "alert", "severe"),
        *("disaster", "blocker", "page", "p0", "p1", "sev0", "sev1"),
    ),
    Severity.ERROR: ("error", "err", "major", "high", "p2", "sev2"),
    Severity.WARNING: (
        *("warning", "warn", "minor", "average", "medium", "moderate", "ticket", "p3", "sev3"),
    ),
    Severity.INFO: (
        *("info", "information", "informational", "low", "none", "notice", "debug"),
        *("p4", "p5", "sev4", "sev5"),
    ),
}
_SEVERITY_OF = {word: severity for severity, words in _SEVERITIES.items() for word in words}


def severity_of(value: object) -> Severity:
    """Map a severity that people chose the word for, or syslog (RFC 5424, where alert is worst)."""
    return _SEVERITY_OF.get(text_of(value).lower(), Severity.UNKNOWN)


def severity_from(scale: Mapping[str, Severity], value: object) -> Severity:
    """Map a severity by a vendor's own scale (lower-case words), else by the words people use."""
    return scale.get(text_of(value).lower()) or severity_of(value)


def a_signal(
    message: Message,
    *,
    fingerprint: str,
    component: str,
    summary: str,
    state: SignalState,
    severity: Severity = Severity.UNKNOWN,
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
    told_at: object = None,
    description: str = "",
    labels: Mapping[str, str] | None = None,
    links: Iterable[tuple[str, object]] = (),
    body: object = None,
) -> Signal:
    """Make a signal of what a message says; what it leaves out is filled in by the same rules.

    `fingerprint` names the failure at its monitor; `told_at` is what tells this message from
    another one about the same failure and state (by default its start and end): the same message
    sent again has the same id, and so counts once. When nothing tells, it is a new message.
    `links` are pairs of text and address; those that are no web address are left out. `body` is
    what is kept of the message (default: all of it).
    """
    told = text_of(told_at) or "/".join(
        time.isoformat() for time in (started_at, ended_at) if time is not None
    )
    return Signal(
        source=message.source,
        id=f"{fingerprint}:{state.value}:{told or new_id()}"[:500],
        fingerprint=fingerprint[:500],
        component=text_of(component, 500) or UNNAMED,
        summary=text_of(summary) or "a failure without a name",
        description=text_of(description),
        state=state,
        severity=severity,
        started_at=started_at or ended_at or message.received_at,
        ended_at=ended_at if state is SignalState.RESOLVED else None,
        labels=dict(labels or {}),
        links=links_of(links),
        body=message.kept() if body is None else _kept(body),
    )


def _kept(body: object) -> bytes:
    try:
        return orjson.dumps(body, default=str)
    except TypeError:
        return b'"nested too deeply to be kept"'


def links_of(pairs: Iterable[tuple[str, object]]) -> tuple[Link, ...]:
    """Make links of texts and addresses; what is no web address is left out."""
    return tuple(
        Link(href=text_of(href, 2000), text=text)
        for text, href in pairs
        if text_of(href).startswith(("http://", "https://"))
    )


def mapping_of(value: object) -> Mapping[str, Any]:
    """Give a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Give a JSON array, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def decoded(value: object) -> object:
    """Give what a text of JSON holds, for a field that came within quotes; else what was given."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def digest(*parts: str) -> str:
    """Give a short stable name for some parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def first_of(labels: Mapping[str, Any], *names: str) -> str:
    """Give the first of some names that has a value."""
    for name in names:
        if text := text_of(labels.get(name)):
            return text
    return ""


def picked(value: object, *names: str) -> dict[str, str]:
    """Give some of an object's fields as labels, without those that say nothing."""
    fields = mapping_of(value)
    return {name: text for name in names if (text := text_of(fields.get(name), 2000))}


def tags_of(value: object) -> str:
    """Give tags as one text: a text, a list of texts, or of objects with a name and a value."""
    if not isinstance(value, list):
        return text_of(value, 2000)
    tags = (
        ":".join(filter(None, (text_of(tag.get("name")), text_of(tag.get("value")))))
        if isinstance(tag, dict)
        else text_of(tag)
        for tag in value
    )
    return text_of(", ".join(filter(None, tags)), 2000)


def host_of(address: object) -> str:
    """Give the host of a web address; what is no address is given as it is."""
    text = text_of(address)
    try:
        return urlsplit(text if "//" in text else f"//{text}").hostname or text
    except ValueError:
        return text


def with_plain_names(value: object) -> dict[str, Any]:
    """Give an object's fields by names of small letters and digits: `Monitor_Name` → `monitorname`.

    For messages whose template is the customer's, so that only the words of a name are known.
    """
    named: dict[str, Any] = {}
    for name, field in mapping_of(value).items():
        named.setdefault("".join(filter(str.isalnum, text_of(name).lower())), field)
    return named


def with_inner_names(value: object) -> dict[str, Any]:
    """Give an object's fields by plain names, and those of objects in it where they are missing.

    What is one level down has both names: `{"host": {"name": …}}` gives `hostname` and `name`.
    """
    named = with_plain_names(value)
    for name, held in list(named.items()):
        for inner, field in with_plain_names(held).items():
            named.setdefault(name + inner, field)
            named.setdefault(inner, field)
    return {name: field for name, field in named.items() if not isinstance(field, dict)}


def any_time_of(*values: object) -> datetime | None:
    """Give the first value that is a time, in whatever way it is written."""
    for value in values:
        if time := unix_time_of(value) or time_of(value) or spelled_time_of(text_of(value, 100)):
            return time
    return None


def fields_of(message: Message) -> Mapping[str, Any]:
    """Give the fields of a body that is a JSON object or a form.

    A form is told by its content type, or by how it looks when that is not said. A form whose
    field `payload`, `data` or `message` holds a JSON object gives that object's fields.
    Raises NotUnderstood for anything else.
    """
    said = message.headers.get("content-type", "").lower()
    start = message.body.lstrip()[:1]
    if "multipart/form-data" in said:
        return _unwrapped(_multipart_fields(message.body, message.headers["content-type"]))
    if start not in (b"{", b"[", b'"') and b"=" in message.body:
        return _unwrapped(_form_fields(message.body))
    fields = message.json()
    if not isinstance(fields, dict):
        raise NotUnderstood("the body is no object and no form")
    return fields


def _form_fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode(errors="replace").strip(), keep_blank_values=True, max_num_fields=1000
        )
    except ValueError as error:
        raise NotUnderstood(f"the body is no form ({error})") from error
    return dict(reversed(pairs))


def _multipart_fields(body: bytes, content_type: str) -> dict[str, str]:
    head = f"Content-Type: {' '.join(content_type.split())}\r\n\r\n"
    form = BytesParser().parsebytes(head.encode(errors="replace") + body)
    parts = form.get_payload()
    return {
        name: raw.decode(errors="replace")
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, MimeMessage)
        and isinstance(name := part.get_param("name", header="content-disposition"), str)
        and isinstance(raw := part.get_payload(decode=True), bytes)
    }


def _unwrapped(fields: dict[str, str]) -> Mapping[str, Any]:
    if not fields:
        raise NotUnderstood("the body is a form without fields")
    for name in ("payload", "data", "message"):
        if fields.get(name, "").lstrip().startswith("{"):
            try:
                held = orjson.loads(fields[name])
            except orjson.JSONDecodeError:
                continue
            if isinstance(held, dict):
                return held
    return fields
