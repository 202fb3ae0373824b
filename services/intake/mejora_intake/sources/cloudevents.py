"""CloudEvents by HTTP: structured, batched, or binary with the attributes in headers `ce-…`.

Source: cloudevents.io, "HTTP protocol binding", "JSON event format" and the core specification. An
event is a signal when its data is what a monitor of a known kind sends (Amazon, Azure, Google,
Prometheus, OpenTelemetry), or when it has a signal's fields: what failed, and a status, a severity
or an event type that says that it fails or has stopped failing. Most events are neither, and get a
remark. Where the type alone says that something fails (`….failed`, `….error`), the event's subject
is what fails, else its source. `source` and `id` together name an event.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources import (
    alertmanager,
    aws_cloudwatch_sns,
    azure_monitor,
    gcp_monitoring,
    opentelemetry,
)
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    mapping_of,
    picked,
    severity_of,
    time_of,
    with_plain_names,
)

_READERS: Mapping[str, Callable[[Message], Understood]] = {
    "amazon": aws_cloudwatch_sns.read,
    "amazonaws": aws_cloudwatch_sns.read,
    "aws": aws_cloudwatch_sns.read,
    "azure": azure_monitor.read,
    "microsoft": azure_monitor.read,
    "google": gcp_monitoring.read,
    "prometheus": alertmanager.read,
    "alertmanager": alertmanager.read,
    "opentelemetry": opentelemetry.read,
}
"""By a word of the event's type."""

_THINGS = (
    *("component", "service", "servicename", "application", "app", "appname", "deployment"),
    *("job", "monitor", "monitorname", "check", "checkname", "hostname", "host", "node"),
    *("instance", "device", "resource", "resourcename", "resourceinfo", "system"),
    *("impactedentity", "entity"),
)
_NAMES = ("alertname", "rulename", "rule", "alert", "check", "name", "title")
_TEXTS = ("summary", "title", "message", "msg", "reason", "error", "alertname", "name")
_SEVERITIES = ("severity", "level", "priority", "criticality", "severitytext")
_STATES = (
    *("status", "state", "alertstate", "alertstatus", "availabilitystate", "health", "action"),
    *("outcome", "problemstatus"),
)
_STARTS = ("startedat", "startsat", "starttime", "firedat", "triggeredat", "since", "occurredat")
_ENDS = ("endedat", "endsat", "endtime", "resolvedat", "closedat", "recoveredat")
_IDENTITIES = ("fingerprint", "dedupkey", "incidentid", "alertid", "problemid", "incidentkey")

_FAILING = frozenset(
    (
        *("firing", "fired", "alerting", "problem", "down", "failed", "failing", "failure"),
        *("error", "critical", "degraded", "unhealthy", "unavailable", "unreachable", "breached"),
        *("timeout", "crashed"),
    )
)
_WORKING = frozenset(
    ("resolved", "ok", "okay", "recovered", "recovery", "up", "normal", "healthy", "restored")
)
_FAILING_IF_ALERT = frozenset(
    ("alert", "active", "open", "opened", "triggered", "raised", "created", "detected", "warning")
)
_WORKING_IF_ALERT = frozenset(("closed", "cleared", "inactive", "available", "fixed"))
"""Words that orders and accounts have as well: they count where it is about an alert."""
_GRAVE = ("critical", "fatal", "error", "warning")
"""Words of a type that say how bad it is, where the data does not."""
_OF_ALERTS = frozenset(
    ("alert", "alerts", "alarm", "alarms", "incident", "incidents", "outage", "problem", "monitor")
)


def read(message: Message) -> Understood:
    """Read one event or a batch; raises NotUnderstood when there is no event."""
    understood = Understood()
    known = False
    for event in _events(message):
        if not isinstance(event, dict) or not _is_event(event):
            understood.remarks.append("what is no CloudEvent was left out")
            continue
        known = True
        _add(message, event, understood)
    if not known:
        raise NotUnderstood("a CloudEvent has `specversion`, `id`, `source` and `type`")
    return understood


def _events(message: Message) -> Iterator[Any]:
    headers = {
        name.removeprefix("ce-"): unquote(value, errors="replace")
        for name, value in message.headers.items()
        if name.startswith("ce-")
    }
    if "type" in headers:
        yield headers | {"data": _decoded(message.body)}
        return
    body = message.json()
    yield from body if isinstance(body, list) else [body]


def _is_event(event: Mapping[str, Any]) -> bool:
    """Tell whether it is an event; version 0.1 had other names for the same attributes."""
    marked = "specversion" in event or "cloudEventsVersion" in event
    return bool(_type_of(event)) and (marked or ("source" in event and "id" in event))


def _type_of(event: Mapping[str, Any]) -> str:
    return first_of(event, "type", "eventType")


def _decoded(raw: bytes | str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw.decode(errors="replace") if isinstance(raw, bytes) else raw


def _data_of(event: Mapping[str, Any]) -> Any:
    packed, data = event.get("data_base64"), event.get("data")
    if data is None and isinstance(packed, str):
        try:
            return _decoded(base64.b64decode(packed, validate=True))
        except (ValueError, binascii.Error):
            return None
    return _decoded(data) if isinstance(data, str) else data


def _add(message: Message, event: Mapping[str, Any], understood: Understood) -> None:
    data = _data_of(event)
    words = _words(_type_of(event))
    reader = next((_READERS[word] for word in words if word in _READERS), None)
    if reader is not None and isinstance(data, dict | list):
        try:
            within = reader(Message(_packed(data), message.source, message.received_at))
        except NotUnderstood:
            pass
        else:
            understood.signals += within.signals
            understood.remarks += within.remarks
            return
    signal = _signal(message, event, mapping_of(data), words)
    if signal is not None:
        understood.signals.append(signal)
    else:
        understood.remarks.append(f"{_type_of(event)[:200]}: an event that tells of no failure")


def _packed(data: Any) -> bytes:
    try:
        return orjson.dumps(data)
    except TypeError as error:
        raise NotUnderstood("the data is nested too deeply") from error


def _words(text: str) -> list[str]:
    """Split a type such as `com.example.alert-resolved.v1` into its words."""
    return "".join(sign if sign.isalnum() else " " for sign in text.lower()).split()


def _signal(
    message: Message, event: Mapping[str, Any], data: Mapping[str, Any], words: list[str]
) -> Signal | None:
    """Give the signal that an event's own fields make; None when they make none."""
    fields = _fields(data)
    severity = severity_of(first_of(fields, *_SEVERITIES))
    of_alert = severity is not Severity.UNKNOWN or bool(
        _OF_ALERTS.intersection(words) or first_of(fields, "alertname", *_IDENTITIES)
    )
    said = [first_of(fields, name).lower() for name in _STATES]
    by_type = _state(words[::-1], of_alert=of_alert)
    state = _state(said, of_alert=of_alert) or by_type
    if state is None and severity not in (Severity.UNKNOWN, Severity.INFO):
        state = SignalState.FIRING
    component = first_of(fields, *_THINGS)
    subject, source = first_of(event, "subject"), first_of(event, "source")
    if not component and (by_type or _OF_ALERTS.intersection(words)):
        component = subject or source.rstrip("/").rpartition("/")[2]
    if state is None or not component:
        return None
    if severity is Severity.UNKNOWN:
        severity = severity_of(next((word for word in words if word in _GRAVE), ""))
    over = state is SignalState.RESOLVED
    at = time_of(event.get("time")) or time_of(event.get("eventTime"))
    at = at or any_time_of(fields.get("timestamp"), fields.get("time"))
    start = any_time_of(*(fields.get(name) for name in _STARTS))
    end = any_time_of(*(fields.get(name) for name in _ENDS))
    name = first_of(fields, *_NAMES)
    return a_signal(
        message,
        fingerprint=first_of(fields, *_IDENTITIES) or digest(source, subject, component, name),
        component=component,
        summary=first_of(fields, *_TEXTS) or _type_of(event),
        description=first_of(fields, "description", "details"),
        state=state,
        severity=severity,
        started_at=start or (None if over else at),
        ended_at=(end or at) if over else None,
        told_at=first_of(event, "id", "eventID"),
        labels=picked(data, *(str(k) for k, v in data.items() if not isinstance(v, dict | list)))
        | picked(event, *(str(key) for key in event if key not in ("data", "data_base64", "id"))),
        links=(("event", fields.get("url") or fields.get("link")), ("data", event.get("dataref"))),
        body=event,
    )


def _state(words: list[str], *, of_alert: bool) -> SignalState | None:
    for word in words:
        if word in _WORKING or (of_alert and word in _WORKING_IF_ALERT):
            return SignalState.RESOLVED
        if word in _FAILING or (of_alert and word in _FAILING_IF_ALERT):
            return SignalState.FIRING
    return None


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give the data's fields by plain names; those of objects in it fill what is missing.

    An event may say what it is about in an object of its own, and of that in one more (`subject`
    and `content` of CDevents, `resourceInfo` and `properties` of Azure).
    """
    fields = {k: v for k, v in with_plain_names(data).items() if not isinstance(v, dict | list)}
    deeper = [held for value in data.values() for held in mapping_of(value).values()]
    for held in (*data.values(), *deeper):
        for name, value in with_plain_names(held).items():
            if isinstance(value, dict):
                value = mapping_of(value).get("name")
            if not isinstance(value, list):
                fields.setdefault(name, value)
    for name, held in with_plain_names(data).items():
        if isinstance(held, dict) and (named := first_of(held, "name", "id")):
            fields.setdefault(name, named)
    return fields


KIND = Kind(
    name="cloudevents",
    title="CloudEvents",
    expects="Events by HTTP in any mode; those whose data has `component` (or `service`, `host`), "
    "`status`, `severity` and `message`, or is what a known monitor sends, become signals.",
    documentation="https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/"
    "http-protocol-binding.md",
    read=read,
)
