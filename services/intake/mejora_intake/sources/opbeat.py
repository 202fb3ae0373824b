"""Opbeat's webhook: an activity, of which those on a group of errors are of interest.

Source: opbeat.com, docs, webhooks (the service ended in 2018). `subject_type` is `errorgroup` and
`action` says what happened to it; comments, assignments, releases and applications tell of no
failure.
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
    host_of,
    mapping_of,
    picked,
    severity_of,
    time_of,
)

_OPENS = ("created", "new", "open", "regress", "occurred", "unfixed", "undo")
_NO_FAILURE = ("comment", "assign", "ignor", "mute", "alarm")


def read(message: Message) -> Understood:
    """Read an activity. Raises NotUnderstood when it is none."""
    body = fields_of(message)
    kind, action = first_of(body, "subject_type"), first_of(body, "action").lower()
    if not kind or not (action or first_of(body, "title")):
        raise NotUnderstood("an Opbeat webhook has `subject_type`, `subject` and `action`")
    if kind == "errorgroup" and not any(word in action for word in _NO_FAILURE):
        if any(word in action for word in _OPENS):
            return Understood([_signal(message, body, SignalState.FIRING)])
        if "fixed" in action:
            return Understood([_signal(message, body, SignalState.RESOLVED)])
    said = first_of(body, "summary", "title")
    return Understood(remarks=[f"{kind[:100]} {action[:100]}, no failure: {said[:200]}"])


def _signal(message: Message, body: Mapping[str, Any], state: SignalState) -> Signal:
    app, group = mapping_of(body.get("app")), mapping_of(body.get("subject"))
    last = mapping_of(group.get("last_occurrence")) or mapping_of(group.get("first_error"))
    name = first_of(app, "name", "short_name", "id") or host_of(body.get("html_url"))
    said = first_of(last, "message") or first_of(body, "title")
    occurred = any_time_of(body.get("occurred"), body.get("created"))
    return a_signal(
        message,
        fingerprint=first_of(group, "id", "number") or digest(name, said),
        component=name,
        summary=said,
        description=first_of(body, "summary"),
        state=state,
        severity=severity_of(last.get("level") or group.get("level")),
        started_at=any_time_of(group.get("first_seen"), group.get("created"))
        or (occurred if state is SignalState.FIRING else None),
        ended_at=occurred or time_of(group.get("last_seen")),
        told_at=first_of(body, "id"),
        labels=picked(last, "culprit", "logger") | picked(group, "number", "resolved_state"),
        links=(("Opbeat", group.get("html_url")), ("activity", body.get("html_url"))),
        body=body,
    )


KIND = Kind(
    name="opbeat",
    title="Opbeat",
    expects="A webhook of the organization with this address.",
    documentation="https://opbeat.com/docs/articles/webhooks/",
    read=read,
)
