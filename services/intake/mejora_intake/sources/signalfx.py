"""Splunk Observability Cloud (SignalFx): the webhook of a detector's alert.

Source: docs.splunk.com, Splunk Observability Cloud, "Send alert notifications to a webhook". An
incident has one `incidentId`; `statusExtended` is anomalous while it lasts, and then ok, manually
resolved or stopped. Severities are Critical, Major, Minor, Warning and Info. `timestamp` is when
the incident changed.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.model import SignalState
from mejora_intake.sources.alertmanager import COMPONENT_LABELS
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    labels_of,
    mapping_of,
    picked,
    severity_of,
    text_of,
)

_ENDED = ("ok", "manually resolved", "auto-cleared", "stopped", "resolved", "cleared")
_THINGS = ("sf_service", "service.name", "host.name", "container_name")
_MARKS = ("incidentId", "detectorId", "detectorUrl", "statusExtended", "detector", "sf_schema")


def read(message: Message) -> Understood:
    """Read one notification; raises NotUnderstood when it is no detector's."""
    body = mapping_of(message.json())
    if not any(name in body for name in _MARKS):
        raise NotUnderstood("a webhook of SignalFx has `incidentId`, `detector` and `severity`")
    if "test" in first_of(body, "eventType", "messageTitle").lower().split()[:1]:
        return Understood(remarks=["a test of the webhook"])
    told = dict(mapping_of(body.get("inputs"))) | dict(body)
    said = first_of(body, "statusExtended", "status").lower()
    over = said in _ENDED
    at = any_time_of(body.get("timestampISO8601"), body.get("timestamp"))
    dimensions = _dimensions(body)
    detector = first_of(told, "detector", "rule")
    signal = a_signal(
        message,
        fingerprint=first_of(body, "incidentId") or digest(detector, first_of(told, "rule")),
        component=first_of(dimensions, *COMPONENT_LABELS[:7], *_THINGS, *COMPONENT_LABELS[7:])
        or detector
        or first_of(body, "originatingMetric"),
        summary=first_of(told, "messageTitle", "rule", "detector"),
        description=first_of(told, "description", "messageBody"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=severity_of(body.get("severity")),
        started_at=None if over else at,
        ended_at=at if over else None,
        labels=dimensions | picked(told, "detector", "rule", "originatingMetric"),
        links=(
            ("detector", body.get("detectorUrl")),
            ("chart", body.get("imageUrl")),
            ("runbook", told.get("runbookUrl")),
        ),
    )
    return Understood([signal])


def _dimensions(body: Mapping[str, Any]) -> dict[str, str]:
    """Give the dimensions of the alert, or those of the first input that has some."""
    if dimensions := labels_of(body.get("dimensions")):
        return dimensions
    for one in mapping_of(body.get("inputs")).values():
        if dimensions := labels_of(mapping_of(one).get("key")):
            return {name: text for name, text in dimensions.items() if text_of(text)}
    return {}


KIND = Kind(
    name="signalfx",
    title="Splunk Observability Cloud (SignalFx)",
    expects="A webhook integration with this address as an alert recipient of the detectors.",
    documentation="https://docs.splunk.com/observability/en/admin/notif-services/webhook.html",
    read=read,
)
