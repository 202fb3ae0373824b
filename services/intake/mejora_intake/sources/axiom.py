"""Axiom's custom webhook of a monitor.

Source: axiom.co/docs, "Monitors" and "Custom webhook notifier". `action` is Open or Closed; a
monitor that matches events only opens. The title has the action before the monitor's name. Axiom
gives no severity. Times are written as Go writes them.
"""

from datetime import datetime

from mejora_intake.model import SignalState
from mejora_intake.sources.alertmanager import COMPONENT_LABELS
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    labels_of,
    list_of,
    mapping_of,
    picked,
    severity_of,
    text_of,
)


def read(message: Message) -> Understood:
    """Read one notification; raises NotUnderstood when it is none."""
    body = mapping_of(message.json())
    event = body.get("event")
    if not isinstance(event, dict):
        raise NotUnderstood("a webhook of Axiom has `action` and an object `event`")
    action = text_of(body.get("action")).lower()
    if action.startswith("test"):
        return Understood(remarks=["a test of the notifier"])
    over = action.startswith(("clos", "resol"))
    title = first_of(event, "title", "name", "body")
    name = title.partition(": ")[2] if title.startswith(("Triggered: ", "Resolved: ")) else title
    matched = mapping_of(event.get("matchedEvent"))
    names, values = list_of(event.get("groupKeys")), list_of(event.get("groupValues"))
    group = {text_of(key, 200): text_of(value) for key, value in zip(names, values, strict=False)}
    at = _time_of(event.get("timestamp")) or _time_of(event.get("queryEndTime"))
    signal = a_signal(
        message,
        fingerprint=digest(first_of(event, "monitorID") or name, *group.values()),
        component=first_of(group | labels_of(matched), "service.name", *COMPONENT_LABELS) or name,
        summary=title,
        description=first_of(event, "description", "body"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=severity_of(event.get("severity") or matched.get("severity")),
        started_at=None if over else at,
        ended_at=at if over else None,
        labels=group | picked(event, "monitorID", "value"),
    )
    return Understood([signal])


def _time_of(value: object) -> datetime | None:
    """Read `2026-03-01 11:58:03.26 +0000 UTC` as well: the zone's name says nothing more."""
    words = text_of(value, 100).split()
    return any_time_of(f"{words[0]}T{words[1]}{words[2]}" if len(words) >= 3 else value)


KIND = Kind(
    name="axiom",
    title="Axiom",
    expects="A notifier of type custom webhook with this address on the monitors.",
    documentation="https://axiom.co/docs/monitor-data/custom-webhook-notifier",
    read=read,
)
