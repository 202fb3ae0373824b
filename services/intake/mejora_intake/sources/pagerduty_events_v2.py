"""PagerDuty's Events API v2, as whatever would call PagerDuty posts to it; and the older v1.

Source: developer.pagerduty.com, Events API v2. `event_action` is `trigger`, `acknowledge` or
`resolve`; `dedup_key` names the alert, and an event without one is a failure of its own, which is
told here by what its payload says. In the payload, `component` is the part of the `source` (the
host) that fails, `group` what it belongs to and `class` the kind of event. A change event
(`/v2/change/enqueue`) has no action and no severity. In v1 the names are `event_type`,
`incident_key` and `description`, and `details` holds what the sender likes to say.
"""

from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.alertmanager import COMPONENT_LABELS
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    labels_of,
    list_of,
    mapping_of,
    picked,
    severity_from,
    text_of,
)

_STATES = {"trigger": SignalState.FIRING, "resolve": SignalState.RESOLVED}
_SCALE = {
    "critical": Severity.CRITICAL,
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "info": Severity.INFO,
}
_KEYS = ("routing_key", "service_key")
"""Secrets of the sender, which are not kept."""


def read(message: Message) -> Understood:
    """Read an event. Raises NotUnderstood when it has neither an action nor a payload."""
    body = mapping_of(message.json())
    payload = mapping_of(body.get("payload"))
    action = first_of(body, "event_action", "event_type").lower()
    if not action and not payload:
        raise NotUnderstood("an event of PagerDuty's Events API v2 has an `event_action`")
    if not action and not text_of(payload.get("severity")):
        return Understood(remarks=["a change event, which tells of no failure"])
    state = _STATES.get(action or "trigger")
    if state is None:
        return Understood(remarks=[f"an event with the action {action[:200]!r}"])
    return _understood(message, body, payload, state)


def _understood(
    message: Message, body: Mapping[str, Any], payload: Mapping[str, Any], state: SignalState
) -> Understood:
    identity = picked(payload, "source", "component", "group", "class", "summary")
    key = first_of(body, "dedup_key", "incident_key")
    summary = first_of(payload, "summary") or first_of(body, "description")
    if not key and not identity and not summary:
        return Understood(remarks=["an event without a `dedup_key` and without a payload"])
    at = any_time_of(payload.get("timestamp"))
    said = payload.get("custom_details") or body.get("details")
    details = labels_of(said)
    signal = a_signal(
        message,
        fingerprint=key or digest(*identity.values(), summary),
        component=first_of(payload, "component", "source", "group")
        or first_of(details, *COMPONENT_LABELS)
        or text_of(body.get("client")),
        summary=summary or key,
        description="\n".join(": ".join(detail) for detail in details.items()) or text_of(said),
        state=state,
        severity=severity_from(_SCALE, payload.get("severity")),
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at,
        labels=details | picked(payload, "source", "component", "group", "class"),
        links=(("client", body.get("client_url")), *_links(body)),
        body={name: value for name, value in body.items() if name not in _KEYS},
    )
    return Understood([signal])


def _links(body: Mapping[str, Any]) -> list[tuple[str, object]]:
    given = list_of(body.get("links")) + list_of(body.get("contexts"))
    links = [mapping_of(link) for link in given]
    return [(first_of(link, "text") or "link", link.get("href")) for link in links]


KIND = Kind(
    name="pagerduty_events_v2",
    title="PagerDuty Events API v2",
    expects="Whatever sends events to PagerDuty's Events API, with `/intake` of this address in "
    "place of `https://events.pagerduty.com` and a key as its routing key (`/v2/enqueue` and "
    "`/v2/change/enqueue`); PagerDuty's own client library wants `https`.",
    documentation="https://developer.pagerduty.com/docs/events-api-v2/trigger-events/",
    read=read,
)
