"""Coralogix' generic outbound webhook.

Source: coralogix.com/docs, "Generic outbound webhooks (alert webhooks)". The body is a template of
the customer's; by default it has the alert above and a list `fields` of pairs. `alert_action` is
trigger or resolve. A placeholder that has no value stays as it is (`$SERVICE`). Severities are
info, warning, error and critical, and priorities P1 (worst) to P5.
"""

from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    list_of,
    mapping_of,
    severity_from,
    severity_of,
    text_of,
)

_SCALE = {"verbose": Severity.INFO, "debug": Severity.INFO}


def read(message: Message) -> Understood:
    """Read one alert; raises NotUnderstood when it is none."""
    body = mapping_of(message.json())
    if not any(name in body for name in ("alert_action", "alert_id", "alertAction", "alertId")):
        raise NotUnderstood("an alert of Coralogix has `alert_id`, `name` and `alert_action`")
    alert = _filled(body)
    name = first_of(alert, "name", "alert_name", "alertName")
    action = first_of(alert, "alert_action", "alertAction").lower()
    over = action.startswith("resolve")
    at = any_time_of(
        alert.get("timestampISO"), alert.get("timestampMs"), alert.get("timestamp")
    ) or any_time_of(text_of(alert.get("timestamp")).replace("/", "-"))
    group = "/".join(first_of(alert, f"Group-by Value{place}") for place in (1, 2))
    severity = severity_from(_SCALE, alert.get("severity"))
    signal = a_signal(
        message,
        fingerprint=first_of(alert, "dedupKey")
        or digest(first_of(alert, "alertUniqueIdentifier", "alert_id", "alertId") or name, group),
        component=first_of(alert, "service", "subsystem", "application", "computer") or name,
        summary=name,
        description=first_of(alert, "description", "text"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=severity_of(alert.get("priority")) if severity is Severity.UNKNOWN else severity,
        started_at=None if over else at,
        ended_at=at if over else None,
        told_at=first_of(alert, "uuid") if at is None else None,
        labels={
            label: text
            for label in ("team", "application", "subsystem", "computer", "priority", "metaLabels")
            if (text := first_of(alert, label))
        },
        links=(("alert", alert.get("alert_url")), ("logs", alert.get("log_url"))),
    )
    return Understood([signal])


def _filled(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the alert's fields and those of its list, without placeholders that have no value."""
    pairs = (mapping_of(one) for one in list_of(body.get("fields")))
    fields = {text_of(one.get("key"), 200): one.get("value") for one in pairs}
    return {
        name: value
        for name, value in (fields | dict(body)).items()
        if not (isinstance(value, str) and value.startswith(("$", "*insert ")))
    }


KIND = Kind(
    name="coralogix",
    title="Coralogix",
    expects="A generic outbound webhook with this address in the alerts' notifications.",
    documentation="https://coralogix.com/docs/user-guides/alerting/outbound-webhooks/"
    "generic-outbound-webhooks-alert-webhooks/",
    read=read,
)
