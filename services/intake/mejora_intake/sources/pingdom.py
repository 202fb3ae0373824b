"""Pingdom's webhooks: state changes of uptime and transaction checks, and the older BeepManager's.

Source: pingdom.com, resources, webhooks. A check changes between UP and DOWN, a transaction
between SUCCESS and FAILING; `state_changed_timestamp` says when. BeepManager posts the incident:
`action` is `assign` or `notify_user` while it is open and `notify_of_close` when it is over.
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
    tags_of,
    text_of,
    time_of,
    unix_time_of,
)

_IMPORTANCE = {"high": Severity.CRITICAL, "low": Severity.WARNING}
"""Pingdom knows these two: one that wakes people, and one that writes to them."""
_STATES = {
    "down": SignalState.FIRING,
    "failing": SignalState.FIRING,
    "failed": SignalState.FIRING,
    "up": SignalState.RESOLVED,
    "success": SignalState.RESOLVED,
    "successful": SignalState.RESOLVED,
}
_ACTIONS = {
    "assign": SignalState.FIRING,
    "notify_user": SignalState.FIRING,
    "notify_of_close": SignalState.RESOLVED,
}


def read(message: Message) -> Understood:
    """Read a state change or an incident. Raises NotUnderstood when it is neither."""
    body = fields_of(message)
    if "current_state" in body:
        said = text_of(body["current_state"])
        if state := _STATES.get(said.lower()):
            return Understood([_change(message, body, state)])
        return Understood(remarks=[f"the check is {said[:200]!r} now, which tells of no failure"])
    if "action" in body:
        said = text_of(body["action"])
        if state := _ACTIONS.get(said.lower()):
            return Understood([_incident(message, body, state)])
        return Understood(remarks=[f"the action {said[:200]!r}, which tells of no failure"])
    raise NotUnderstood("a Pingdom webhook has `current_state`, or `action` from BeepManager")


def _change(message: Message, body: Mapping[str, Any], state: SignalState) -> Signal:
    params = mapping_of(body.get("check_params"))
    address = first_of(params, "full_url", "hostname", "url")
    name = first_of(body, "check_name") or host_of(address)
    at = unix_time_of(body.get("state_changed_timestamp")) or time_of(
        body.get("state_changed_utc_time")
    )
    return a_signal(
        message,
        fingerprint=first_of(body, "check_id") or digest(name, address),
        component=name,
        summary=_summary(name, body.get("current_state"), body.get("description")),
        description=first_of(body, "long_description"),
        state=state,
        severity=severity_from(_IMPORTANCE, body.get("importance_level")),
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at,
        labels=picked(body, "check_id", "check_type", "importance_level")
        | picked(params, "hostname")
        | picked({"tags": tags_of(body.get("tags"))}, "tags"),
        links=(("monitored", params.get("full_url")),),
        body=body,
    )


def _incident(message: Message, body: Mapping[str, Any], state: SignalState) -> Signal:
    name = first_of(body, "checkname", "check_name") or host_of(body.get("host"))
    incident = first_of(body, "incidentid", "incident_id")
    return a_signal(
        message,
        fingerprint=first_of(body, "check", "checkid", "check_id") or digest(name),
        component=name,
        summary=_summary(name, body.get("description"), ""),
        state=state,
        told_at=incident,
        labels=picked(body, "check", "host", "incidentid"),
        body=body,
    )


def _summary(name: str, state: object, why: object) -> str:
    what = f"{name} is {text_of(state).lower()}"
    return f"{what}: {text_of(why)}" if text_of(why) else what


KIND = Kind(
    name="pingdom",
    title="Pingdom",
    expects="An integration of the type Webhook with this address, chosen in the checks' alerting "
    "settings.",
    documentation="https://www.pingdom.com/resources/webhooks/",
    read=read,
)
