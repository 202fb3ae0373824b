"""Raygun's webhooks of Crash Reporting: an error that occurs, and what people do with it.

Source: raygun.com, documentation, Crash Reporting, webhooks. `error_notification` tells that an
error is new, has occurred again after it was resolved, or goes on (the follow-ups after one
minute to one hour); `error_activity` tells of a status that was changed, an assignment or a
comment. Raygun has no severity. Its times are in UTC, with or without Z.
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
    mapping_of,
    picked,
    tags_of,
    text_of,
    time_of,
)

_STATUSES = {"resolved": SignalState.RESOLVED, "active": SignalState.FIRING}


def read(message: Message) -> Understood:
    """Read a notification or an activity. Raises NotUnderstood when it is neither."""
    body = fields_of(message)
    event, kind = text_of(body.get("event")), text_of(body.get("eventType"))
    error = mapping_of(body.get("error"))
    if not event or not error:
        raise NotUnderstood("a Raygun webhook has `event`, `eventType` and `error`")
    if event == "error_notification":
        return Understood([_signal(message, body, SignalState.FIRING, kind)])
    status = text_of(error.get("status"))
    if state := _STATUSES.get(status.lower().partition(" ")[0]):
        return Understood([_signal(message, body, state, kind)])
    what = f"{kind or event} ({status})" if status else kind or event
    return Understood(remarks=[f"{what[:200]}: {first_of(error, 'description')[:200]}"])


def _signal(message: Message, body: Mapping[str, Any], state: SignalState, kind: str) -> Signal:
    error, application = mapping_of(body.get("error")), mapping_of(body.get("application"))
    instance = mapping_of(error.get("instance"))
    name = first_of(application, "name") or first_of(application, "url")
    first, last = first_of(error, "firstOccurredOn"), first_of(error, "lastOccurredOn")
    changed = first_of(error, "activityDate")
    began = last if kind == "ErrorReoccurred" else first
    summary = first_of(error, "message", "description") or f"an error in {name}"
    return a_signal(
        message,
        fingerprint=first_of(error, "url") or digest(name, summary),
        component=name,
        summary=summary,
        description=first_of(error, "description"),
        state=state,
        started_at=time_of(began)
        or time_of(last)
        or (time_of(changed) if state is SignalState.FIRING else None),
        ended_at=time_of(changed),
        told_at=f"{kind}/{last}/{changed}/{first_of(error, 'totalOccurrences')}",
        labels=picked(error, "usersAffected", "totalOccurrences")
        | picked({"tags": tags_of(instance.get("tags"))}, "tags"),
        links=(("error", error.get("url")), ("application", application.get("url"))),
        body=body,
    )


KIND = Kind(
    name="raygun",
    title="Raygun",
    expects="The integration Webhook of an application, with this address and all events.",
    documentation="https://raygun.com/documentation/product-guides/crash-reporting/integrations/webhooks/",
    read=read,
)
