"""Freshping's webhook: the state of a check. Insping, from which it came, sends the same.

Source: support.freshping.io, webhooks. `webhook_event_data.check_state_name` is Available, or one
of Not Responding, Reporting Error and Performance Degraded; `request_start_time` is when that was
seen. The name of the application is `Webhook test` in a test.
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
    host_of,
    mapping_of,
    picked,
)

_NO_FAILURE = ("paused", "maintenance", "unknown")


def read(message: Message) -> Understood:
    """Read a change of a check. Raises NotUnderstood when it says no state."""
    body = fields_of(message)
    data = mapping_of(body.get("webhook_event_data"))
    said = first_of(data, "check_state_name")
    if not said:
        raise NotUnderstood("the webhook has `webhook_event_data` with a `check_state_name`")
    if first_of(data, "application_name") == "Webhook test":
        return Understood(remarks=["a test of the webhook"])
    if any(word in said.lower() for word in _NO_FAILURE):
        return Understood(remarks=[f"the check's state is {said[:200]!r}: no failure"])
    return Understood([_signal(message, body, data, said)])


def _signal(
    message: Message, body: Mapping[str, Any], data: Mapping[str, Any], said: str
) -> Signal:
    address = first_of(data, "request_url")
    name = first_of(data, "check_name") or host_of(address) or first_of(data, "application_name")
    state = SignalState.RESOLVED if said.lower() == "available" else SignalState.FIRING
    at = any_time_of(data.get("request_start_time"), body.get("webhook_event_created_on"))
    return a_signal(
        message,
        fingerprint=first_of(data, "check_id") or digest(name, address),
        component=name,
        summary=f"{name}: {said}",
        state=state,
        severity=Severity.WARNING if "degraded" in said.lower() else Severity.UNKNOWN,
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at,
        labels=picked(data, "application_name", "http_status_code", "response_time")
        | picked(body, "organization_name"),
        links=(("monitored", address),),
        body=body,
    )


KIND = Kind(
    name="freshping",
    title="Freshping",
    expects="An integration of the type Webhook with this address.",
    documentation="https://support.freshping.io/en/support/solutions/articles/50000003708",
    read=read,
)
