"""PagerDuty's webhooks: v3 (one event), and the extensions v2 and v1 (a list of messages).

Source: developer.pagerduty.com, webhooks. An incident is triggered, acknowledged, assigned,
escalated and resolved: `event.event_type` and `event.data` in v3, `messages[].event` and
`.incident` in v2, `messages[].type` and `.data.incident` in v1. The component is the incident's
service. Severity is the incident's priority, else its urgency, to which PagerDuty maps an
event's severity: critical and error are urgent, warning and info are not.
"""

import re
from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    mapping_of,
    picked,
    severity_of,
    text_of,
)

_STATES = {
    "trigger": SignalState.FIRING,
    "triggered": SignalState.FIRING,
    "reopened": SignalState.FIRING,
    "resolve": SignalState.RESOLVED,
    "resolved": SignalState.RESOLVED,
}
_URGENCIES = {"high": Severity.ERROR, "low": Severity.WARNING}


def read(message: Message) -> Understood:
    """Read an event or a list of messages; a bad message loses none of its neighbours.

    Raises NotUnderstood when there is neither.
    """
    body = mapping_of(message.json())
    if isinstance(body.get("event"), dict):
        event = body["event"]
        return _understood(message, [(event, "event_type", event.get("data"))])
    if not isinstance(body.get("messages"), list):
        raise NotUnderstood("a PagerDuty webhook has an `event` or a list `messages`")
    told = [mapping_of(one) for one in body["messages"]]
    understood = _understood(
        message,
        [
            (one, "event", one["incident"])
            if "incident" in one
            else (one, "type", mapping_of(one.get("data")).get("incident"))
            for one in told
        ],
    )
    if not told:
        understood.remarks.append("a list without messages")
    return understood


def _understood(message: Message, told: list[tuple[Mapping[str, Any], str, object]]) -> Understood:
    understood = Understood()
    for one, name, data in told:
        incident = mapping_of(data)
        event = first_of(one, name, "type", "event")
        # `incident.resolved` says what became of the incident; without it, its status does.
        state = _STATES.get((event or text_of(incident.get("status"))).lower().split(".")[-1])
        if state is None or (event and not event.lower().startswith("incident.")):
            understood.remarks.append(f"{event[:200] or 'a message'} tells of no failure")
        elif not first_of(incident, "id", "incident_key", "incident_number"):
            understood.remarks.append(f"{event[:200]} without an incident")
        else:
            understood.signals.append(_signal(message, one, incident, state, event))
    return understood


def _signal(
    message: Message,
    told: Mapping[str, Any],
    incident: Mapping[str, Any],
    state: SignalState,
    event: str,
) -> Signal:
    service = mapping_of(incident.get("service"))
    trigger = mapping_of(incident.get("trigger_summary_data"))
    at = any_time_of(told.get("occurred_at"), told.get("created_on"))
    created_at = any_time_of(incident.get("created_at"), incident.get("created_on"))
    if state is SignalState.FIRING:
        created_at = at if event.endswith("reopened") else created_at or at
    ended_at = any_time_of(
        incident.get("resolved_at"),
        incident.get("last_status_change_at"),
        incident.get("last_status_change_on"),
    )
    return a_signal(
        message,
        fingerprint=first_of(incident, "id", "incident_key")
        or digest(text_of(service.get("id")), text_of(incident.get("incident_number"))),
        component=first_of(service, "name", "summary", "id"),
        summary=first_of(incident, "title", "description", "summary")
        or first_of(trigger, "subject", "description"),
        description=first_of(mapping_of(incident.get("body")), "details"),
        state=state,
        severity=_severity(incident),
        started_at=created_at,
        ended_at=ended_at or at,
        told_at=told.get("id"),
        labels=picked(incident, "urgency", "incident_key", "incident_number", "number")
        | picked(
            {"escalation_policy": _name(incident.get("escalation_policy"))}, "escalation_policy"
        ),
        links=(
            ("incident", incident.get("html_url")),
            ("service", service.get("html_url")),
            ("trigger", incident.get("trigger_details_html_url")),
        ),
        body=told,
    )


def _name(thing: object) -> str:
    return first_of(mapping_of(thing), "name", "summary")


def _severity(incident: Mapping[str, Any]) -> Severity:
    priority = _name(incident.get("priority"))
    words = re.split(r"[\s:-]+", priority)
    known = (severity_of(word) for word in ("".join(words), *words))
    told = next((one for one in known if one is not Severity.UNKNOWN), None)
    return told or _URGENCIES.get(text_of(incident.get("urgency")).lower(), Severity.UNKNOWN)


KIND = Kind(
    name="pagerduty",
    title="PagerDuty webhooks",
    expects="A generic webhook subscription (v3) with this address, or a webhook extension of "
    "version 1 or 2; incidents that are triggered, reopened and resolved count.",
    documentation="https://developer.pagerduty.com/docs/webhooks-overview/",
    read=read,
)
