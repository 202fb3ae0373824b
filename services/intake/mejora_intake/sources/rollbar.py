"""Rollbar's webhooks: what happens to an item, which is a group of like occurrences.

Source: docs.rollbar.com, webhooks. `event_name` is one of `new_item`, `occurrence`,
`exp_repeat_item`, `item_velocity`, `reactivated_item`, `reopened_item` and `resolved_item`, or
`deploy` and `test`, which tell of no failure. A level is a word or a number (50 critical … 10
debug). A message names no project, so what failed is the server, or else the project's number.
"""

from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    fields_of,
    first_of,
    host_of,
    mapping_of,
    picked,
    severity_from,
    text_of,
    unix_time_of,
)

_LEVELS = {
    "50": Severity.CRITICAL,
    "40": Severity.ERROR,
    "30": Severity.WARNING,
    "20": Severity.INFO,
    "10": Severity.INFO,
    "debug": Severity.INFO,
}
_ENDS = ("resolved_item",)
_NO_FAILURE = ("deploy", "test", "comment", "assign", "mute", "snooze")


def read(message: Message) -> Understood:
    """Read an event. Raises NotUnderstood when it is none or is about no item."""
    body = fields_of(message)
    event, data = text_of(body.get("event_name")), mapping_of(body.get("data"))
    if not event:
        raise NotUnderstood("a Rollbar webhook has `event_name` and `data`")
    if any(word in event for word in _NO_FAILURE):
        return Understood(remarks=[f"the event {event[:200]!r}, which tells of no failure"])
    item = mapping_of(data.get("item"))
    if not item:
        raise NotUnderstood(f"the event {event[:200]!r} of Rollbar has no `data.item`")
    return Understood([_signal(message, event, data, item)])


def _signal(
    message: Message, event: str, data: Mapping[str, Any], item: Mapping[str, Any]
) -> Signal:
    occurrence = mapping_of(data.get("occurrence")) or mapping_of(item.get("last_occurrence"))
    state = SignalState.RESOLVED if event in _ENDS else SignalState.FIRING
    component = _component(data, item, occurrence)
    title = first_of(item, "title") or first_of(occurrence, "title")
    level = item.get("level") if item.get("level") is not None else occurrence.get("level")
    occurrence_id = first_of(occurrence, "uuid", "id") or first_of(item, "last_occurrence_id")
    ended_at = unix_time_of(item.get("last_resolved_timestamp"))
    return a_signal(
        message,
        fingerprint=first_of(item, "id", "counter") or digest(component, title),
        component=component,
        summary=title,
        state=state,
        severity=severity_from(_LEVELS, level),
        started_at=unix_time_of(item.get("last_activated_timestamp"))
        or unix_time_of(item.get("first_occurrence_timestamp"))
        or unix_time_of(occurrence.get("timestamp")),
        ended_at=ended_at,
        told_at="/".join(
            (event, occurrence_id, text_of(data.get("occurrences")), text_of(ended_at))
        ),
        labels=picked(item, "environment", "counter", "project_id", "total_occurrences")
        | picked(occurrence, "language", "framework", "code_version"),
        links=(("Rollbar", data.get("url")), ("Rollbar", item.get("url"))),
        body=data,
    )


def _component(
    data: Mapping[str, Any], item: Mapping[str, Any], occurrence: Mapping[str, Any]
) -> str:
    project = mapping_of(item.get("project")) or mapping_of(data.get("project"))
    address = first_of(mapping_of(occurrence.get("request")), "url")
    return (
        first_of(project, "name", "slug")
        or first_of(mapping_of(occurrence.get("server")), "host")
        or host_of(address)
        or first_of(item, "project_id")
    )


KIND = Kind(
    name="rollbar",
    title="Rollbar",
    expects="A webhook in the project's notifications with this address; rules for new, repeated, "
    "reactivated and resolved items.",
    documentation="https://docs.rollbar.com/docs/webhooks",
    read=read,
)
