"""Freshstatus' webhook: incidents and maintenance of a status page.

Source: support.freshstatus.io, webhooks. `event_data.event_type` says what happened; an incident
that is closed is a note (`INCIDENT_NOTE_CREATE`) with the `incident_status` Closed. Notes on an
open incident and all of maintenance tell of no failure. The sample that Freshstatus sends as a
test has the number 1.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    mapping_of,
    picked,
    text_of,
)

_OPENS = ("INCIDENT_OPEN", "INCIDENT_REOPEN", "INCIDENT_CREATE")
_CLOSES = ("INCIDENT_CLOSE", "INCIDENT_CLOSED", "INCIDENT_RESOLVE", "INCIDENT_RESOLVED")


def read(message: Message) -> Understood:
    """Read an event. Raises NotUnderstood when it is none."""
    body = fields_of(message)
    event = mapping_of(body.get("event_data"))
    kind = first_of(event, "event_type").upper()
    if not kind:
        raise NotUnderstood("a Freshstatus webhook has `event_data` with an `event_type`")
    title = first_of(body, "title")
    if text_of(body.get("id")) == "1":
        return Understood(remarks=[f"the sample of a test of the webhook: {title[:200]}"])
    is_closed = first_of(body, "incident_status").lower() in ("closed", "resolved")
    if kind in _OPENS:
        return Understood([_signal(message, body, event, SignalState.FIRING)])
    if kind in _CLOSES or (kind.startswith("INCIDENT") and is_closed):
        return Understood([_signal(message, body, event, SignalState.RESOLVED)])
    return Understood(remarks=[f"{kind[:100]}, which tells of no failure: {title[:200]}"])


def _signal(
    message: Message, body: Mapping[str, Any], event: Mapping[str, Any], state: SignalState
) -> Signal:
    title = first_of(body, "title")
    services = [name.strip(" '\"[]") for name in first_of(body, "affected_services").split(",")]
    told_at = any_time_of(event.get("event_created_on"))
    started_at = any_time_of(body.get("start_time"))
    firing = state is SignalState.FIRING
    return a_signal(
        message,
        fingerprint=first_of(body, "incident_id", "id") or digest(title),
        component=next(filter(None, services), title),
        summary=title,
        description=first_of(body, "description", "message"),
        state=state,
        started_at=started_at or (told_at if firing else None),
        ended_at=any_time_of(body.get("end_time")) or told_at,
        told_at=first_of(event, "event_id") or first_of(event, "event_created_on"),
        labels=picked(body, "affected_services", "source") | picked(event, "account_name"),
        body=body,
    )


KIND = Kind(
    name="freshstatus",
    title="Freshstatus",
    expects="An integration of the type Webhook with this address, for incidents.",
    documentation="https://support.freshstatus.io/en/support/solutions/articles/50000001797",
    read=read,
)
