"""Opsgenie's outgoing webhook, which Jira Service Management sends as well.

Source: docs.opsgenie.com, webhook integration and alert action data. An `action` (`Create`,
`Acknowledge`, `AddNote`, `Close`, …, or the name of a custom action) is told with the `alert`.
`entity` says what the alert is about; `source` is who sent it: a user (with the same `username`)
or a monitor. `createdAt` is in milliseconds, `updatedAt` in nanoseconds. `Delete` takes an alert
away without a word on whether what failed is back, so it is no recovery.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.alertmanager import COMPONENT_LABELS
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    first_of,
    labels_of,
    mapping_of,
    picked,
    severity_from,
    tags_of,
    text_of,
)

_STATES = {"create": SignalState.FIRING, "close": SignalState.RESOLVED}
_SCALE = {
    "p1": Severity.CRITICAL,
    "p2": Severity.ERROR,
    "p3": Severity.WARNING,
    "p4": Severity.INFO,
    "p5": Severity.INFO,
}


def read(message: Message) -> Understood:
    """Read an action on an alert. Raises NotUnderstood when there is none."""
    body = mapping_of(message.json())
    action = text_of(body.get("action"))
    if not action:
        raise NotUnderstood("an Opsgenie webhook has an `action` and an `alert`")
    state = _STATES.get(action.lower())
    if state is None:
        return Understood(remarks=[f"{action[:200]} is an action that tells of no failure"])
    alert = mapping_of(body.get("alert"))
    if not first_of(alert, "alertId", "id", "alias", "message"):
        return Understood(remarks=[f"{action[:200]} without an alert"])
    return Understood([_signal(message, body, alert, state)])


def _signal(
    message: Message, body: Mapping[str, Any], alert: Mapping[str, Any], state: SignalState
) -> Signal:
    details = labels_of(alert.get("details"))
    return a_signal(
        message,
        fingerprint=first_of(alert, "alertId", "id", "alias", "message"),
        component=_component(alert, details),
        summary=first_of(alert, "message"),
        description=first_of(alert, "description"),
        state=state,
        severity=_severity(alert.get("priority")),
        started_at=_time(alert, "createdAt", "insertedAt"),
        ended_at=_time(alert, "updatedAt"),
        told_at=first_of(alert, "updatedAt", "createdAt"),
        labels=details
        | picked({"tags": tags_of(alert.get("tags"))}, "tags")
        | picked(alert, "alias", "tinyId", "source", "entity", "priority", "team")
        | picked(body, "integrationName"),
    )


def _component(alert: Mapping[str, Any], details: Mapping[str, str]) -> str:
    known = {name.lower(): detail for name, detail in details.items()}
    named = first_of(alert, "entity") or first_of(known, *COMPONENT_LABELS)
    source = first_of(alert, "source")
    sent_by_a_user = "@" in source or source == first_of(alert, "username")
    return named or ("" if sent_by_a_user else source) or first_of(alert, "message")


def _severity(priority: object) -> Severity:
    word = text_of(priority).lower()
    return severity_from(_SCALE, f"p{word}" if word.isdecimal() else word)


def _time(alert: Mapping[str, Any], *names: str) -> datetime | None:
    return any_time_of(*(alert.get(name) for name in names))


KIND = Kind(
    name="opsgenie",
    title="Opsgenie",
    expects="An outgoing integration of the type Webhook with this address and, at least, the "
    "actions for alerts that are created and closed; with alert details and description.",
    documentation="https://docs.opsgenie.com/docs/webhook-integration",
    read=read,
)
