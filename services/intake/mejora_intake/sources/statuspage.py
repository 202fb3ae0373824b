"""Statuspage's webhook notifications: an incident's update, or a component's change of status.

Source: support.atlassian.com, Statuspage, enable webhook notifications. An incident is over when
it is `resolved` or in `postmortem`; its `impact` is none, minor, major or critical. The statuses
of scheduled maintenance (scheduled, in progress, verifying, completed) and `under_maintenance` of
a component tell of no failure.
"""

from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    list_of,
    mapping_of,
    picked,
    severity_from,
    time_of,
)

_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "major": Severity.ERROR,
    "minor": Severity.WARNING,
    "none": Severity.INFO,
    "major_outage": Severity.CRITICAL,
    "partial_outage": Severity.ERROR,
    "degraded_performance": Severity.WARNING,
}
_OVER = ("resolved", "postmortem", "operational")
_MAINTENANCE = ("scheduled", "in_progress", "verifying", "completed", "under_maintenance")


def read(message: Message) -> Understood:
    """Read an update. Raises NotUnderstood when it is of neither an incident nor a component."""
    body = fields_of(message)
    if incident := mapping_of(body.get("incident")):
        status, name = first_of(incident, "status"), first_of(incident, "name")
        of_maintenance = first_of(incident, "impact") == "maintenance"
        signal = _incident(message, body, incident, _state(status))
    elif component := mapping_of(body.get("component")):
        update = mapping_of(body.get("component_update"))
        status = first_of(update, "new_status") or first_of(component, "status")
        name, of_maintenance = first_of(component, "name"), False
        signal = _component(message, body, component, status)
    else:
        raise NotUnderstood("a Statuspage webhook has `incident`, or `component`")
    if not status or status in _MAINTENANCE or of_maintenance:
        what = status or "without a status"
        return Understood(remarks=[f"{name[:200]}: {what[:100]}, which tells of no failure"])
    return Understood([signal])


def _state(status: str) -> SignalState:
    return SignalState.RESOLVED if status in _OVER else SignalState.FIRING


def _incident(
    message: Message, body: Mapping[str, Any], incident: Mapping[str, Any], state: SignalState
) -> Signal:
    updates = [mapping_of(update) for update in list_of(incident.get("incident_updates"))]
    latest = updates[0] if updates else {}
    components = list_of(incident.get("components")) or list_of(latest.get("affected_components"))
    names = [name for one in components if (name := first_of(mapping_of(one), "name"))]
    name = first_of(incident, "name")
    return a_signal(
        message,
        fingerprint=f"incident:{first_of(incident, 'id') or digest(name)}",
        component=names[0] if names else name,
        summary=name,
        description=first_of(latest, "body"),
        state=state,
        severity=severity_from(_SEVERITIES, incident.get("impact")),
        started_at=any_time_of(incident.get("started_at"), incident.get("created_at")),
        ended_at=any_time_of(incident.get("resolved_at"), incident.get("updated_at")),
        told_at=first_of(latest, "id") or first_of(incident, "updated_at"),
        labels=picked(incident, "status", "impact")
        | picked({"components": ", ".join(names)}, "components"),
        links=(("incident", incident.get("shortlink")),),
        body=body,
    )


def _component(
    message: Message, body: Mapping[str, Any], component: Mapping[str, Any], status: str
) -> Signal:
    update = mapping_of(body.get("component_update"))
    name = first_of(component, "name")
    at = time_of(update.get("created_at")) or time_of(component.get("updated_at"))
    state = _state(status)
    number = first_of(component, "id") or first_of(update, "component_id")
    return a_signal(
        message,
        fingerprint=f"component:{number or digest(name)}",
        component=name,
        summary=f"{name}: {status.replace('_', ' ')}",
        description=first_of(component, "description"),
        state=state,
        severity=severity_from(_SEVERITIES, status),
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at,
        told_at=first_of(update, "id"),
        labels=picked(update, "old_status", "new_status"),
        body=body,
    )


KIND = Kind(
    name="statuspage",
    title="Statuspage",
    expects="A webhook subscription of the status page with this address.",
    documentation="https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/",
    read=read,
)
