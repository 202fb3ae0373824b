"""Librato's (AppOptics') webhook: an alert that is triggered or cleared.

Source: documentation.solarwinds.com, AppOptics, notification services, webhook. The JSON is the
body or the form's field `payload`: `alert`, `trigger_time`, `conditions` and `violations` (by
source), or `clear` when it is over; the first version of alerts has `measurement` instead. A test
that a person made says `triggered_by_user_test`; `attachments` are a snapshot of a chart.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    fields_of,
    first_of,
    list_of,
    mapping_of,
    picked,
    text_of,
    unix_time_of,
)


def read(message: Message) -> Understood:
    """Read an alert. Raises NotUnderstood when there is none."""
    body = fields_of(message)
    if not mapping_of(body.get("alert")):
        if isinstance(body.get("attachments"), list):
            return Understood(remarks=["a snapshot of a chart"])
        raise NotUnderstood("a Librato webhook has `alert` with `violations` or `clear`")
    if body.get("triggered_by_user_test") is True:
        return Understood(remarks=["a test of an alert, made by a person"])
    return Understood([_signal(message, body)])


def _signal(message: Message, body: Mapping[str, Any]) -> Signal:
    alert, violations = mapping_of(body.get("alert")), mapping_of(body.get("violations"))
    name = first_of(alert, "name")
    measured = mapping_of(body.get("measurement"))
    source = next((text_of(named) for named in violations), first_of(measured, "source"))
    state = SignalState.RESOLVED if body.get("clear") else SignalState.FIRING
    at = unix_time_of(body.get("trigger_time"))
    violated = [
        f"{named}: {first_of(one, 'metric')} is {first_of(one, 'value')}"
        for named, several in violations.items()
        for one in map(mapping_of, list_of(several))
    ]
    return a_signal(
        message,
        fingerprint=first_of(body, "incident_key")
        or first_of(alert, "id")
        or digest(name or source),
        component=source if source not in ("", "unassigned") else name,
        summary=name,
        description="\n".join(filter(None, (first_of(alert, "description"), *violated))),
        state=state,
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at,
        labels=picked(body, "account", "clear") | picked({"alert": name}, "alert"),
        links=(("runbook", alert.get("runbook_url")),),
        body=body,
    )


KIND = Kind(
    name="librato",
    title="Librato (AppOptics)",
    expects="A notification service of the type Webhook with this address.",
    documentation="https://documentation.solarwinds.com/en/success_center/appoptics/content/kb/alert/notification_services/webhook.htm",
    read=read,
)
