"""Riemann's events, as a stream posts them: one event or a list.

Source: riemann.io, "Concepts: Events". `state` is a word of the customer's, by custom `ok`,
`warning` or `critical`; `expired` says that nothing was heard within the event's time to live. The
same host and service is the same failure.
"""

from collections.abc import Mapping
from typing import Any

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
    tags_of,
    text_of,
)

_FINE = ("ok", "up", "normal", "clear", "resolved")
_KNOWN = frozenset(("host", "service", "state", "description", "metric", "tags", "time", "ttl"))


def read(message: Message) -> Understood:
    """Read the events; raises NotUnderstood when there is none."""
    body = message.json()
    understood = Understood()
    for event in body if isinstance(body, list) else [body]:
        fields = mapping_of(event)
        if not ("host" in fields or "service" in fields):
            understood.remarks.append("an event without `host` and `service` was left out")
        elif not text_of(fields.get("state")):
            understood.remarks.append("an event without a state tells of no failure")
        else:
            understood.signals.append(_signal(message, fields))
    if not understood.signals and "without a state" not in " ".join(understood.remarks):
        raise NotUnderstood("an event of Riemann has `host`, `service` and `state`")
    return understood


def _signal(message: Message, event: Mapping[str, Any]) -> Signal:
    host, service = first_of(event, "host"), first_of(event, "service")
    said = text_of(event["state"]).lower()
    over = said in _FINE
    at = any_time_of(event.get("time"))
    more = (name for name in map(str, event) if name not in _KNOWN)
    return a_signal(
        message,
        fingerprint=digest(host, service),
        component=service or host,
        summary=f"{service or host} is {said}",
        description=first_of(event, "description"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=severity_of(said),
        started_at=None if over else at,
        ended_at=at if over else None,
        labels=picked(event, "host", "service", "metric", *more)
        | ({"tags": tags} if (tags := tags_of(event.get("tags"))) else {}),
        body=event,
    )


KIND = Kind(
    name="riemann",
    title="Riemann",
    expects="A stream that posts events as JSON to this address when their state changes.",
    documentation="https://riemann.io/concepts.html",
    read=read,
)
