"""Graylog's HTTP notifications of events (from version 3 on), and its alarm callback before them.

Source: go2docs.graylog.org, "HTTP Alert Notification" and "Alert Notifications"; docs.graylog.org
(version 2), "HTTP alarm callback". An event has a priority: 1 low, 2 normal, 3 high, 4 critical.
The same definition and key is the same failure; there is no message for its end.
"""

from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.alertmanager import COMPONENT_LABELS
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    first_of,
    list_of,
    mapping_of,
    picked,
    severity_from,
    text_of,
    time_of,
)

_PRIORITIES = {
    "1": Severity.INFO,
    "2": Severity.WARNING,
    "normal": Severity.WARNING,
    "3": Severity.ERROR,
    "4": Severity.CRITICAL,
}


def read(message: Message) -> Understood:
    """Read one event or callback; raises NotUnderstood when it is neither."""
    body = mapping_of(message.json())
    event, result = body.get("event"), body.get("check_result")
    if isinstance(result, dict):
        return Understood([_callback(message, result, mapping_of(body.get("stream")))])
    if not isinstance(event, dict):
        raise NotUnderstood("a notification of Graylog has an object `event` or `check_result`")
    if text_of(body.get("event_definition_type")) == "test-dummy-v1":
        return Understood(remarks=["a test of the notification"])
    return Understood([_event(message, event, body)])


def _event(message: Message, event: Mapping[str, Any], body: Mapping[str, Any]) -> Signal:
    title = first_of(body, "event_definition_title") or first_of(event, "message")
    fields, group = mapping_of(event.get("fields")), mapping_of(event.get("group_by_fields"))
    component = _thing(group) or _thing(fields) or _of_messages(body.get("backlog"))
    definition = first_of(body, "event_definition_id") or first_of(event, "event_definition_id")
    return a_signal(
        message,
        fingerprint=digest(definition or title, first_of(event, "key")),
        component=component or first_of(event, "source") or title,
        summary=first_of(event, "message") or title,
        description=first_of(body, "event_definition_description"),
        state=SignalState.FIRING,
        severity=severity_from(_PRIORITIES, event.get("priority")),
        started_at=time_of(event.get("timestamp")) or time_of(event.get("timerange_start")),
        told_at=event.get("id"),
        labels=picked(body, "event_definition_title", "event_definition_type")
        | picked(event, "key", "source")
        | picked(fields, *map(str, fields))
        | picked(group, *map(str, group)),
    )


def _callback(message: Message, result: Mapping[str, Any], stream: Mapping[str, Any]) -> Signal:
    condition = mapping_of(result.get("triggered_condition"))
    over = result.get("triggered") is False
    at = time_of(result.get("triggered_at"))
    name = first_of(condition, "title", "type_string", "type")
    return a_signal(
        message,
        fingerprint=digest(first_of(stream, "id"), first_of(condition, "id")),
        component=_of_messages(result.get("matching_messages")) or first_of(stream, "title"),
        summary=first_of(result, "result_description") or name,
        description=first_of(stream, "description"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        started_at=None if over else at,
        ended_at=at if over else None,
        labels=picked(stream, "title") | ({"condition": name} if name else {}),
    )


def _thing(fields: Mapping[str, Any]) -> str:
    return first_of(fields, *COMPONENT_LABELS, "hostname", "source")


def _of_messages(messages: object) -> str:
    """Give what all messages that were found are from, if it is one thing."""
    given = [mapping_of(one) for one in list_of(messages)]
    things = {_thing(mapping_of(one.get("fields"))) or first_of(one, "source") for one in given}
    return things.pop() if len(things) == 1 else ""


KIND = Kind(
    name="graylog",
    title="Graylog",
    expects="An HTTP notification to this address on the event definitions; or, in version 2, an "
    "HTTP alarm callback on the streams.",
    documentation="https://go2docs.graylog.org/current/"
    "interacting_with_your_log_data/http_alert_notification.html",
    read=read,
)
