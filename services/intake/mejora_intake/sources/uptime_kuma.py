"""Uptime Kuma's webhook: a heartbeat of a monitor, or a notice that is words only.

Source: the project's wiki and `server/notification-providers/webhook.js`. The body is JSON with
`heartbeat`, `monitor` and `msg`, or a form whose field `data` holds it. A heartbeat's status is
0 down, 1 up, 2 pending and 3 maintenance; its `time` is in UTC. A test and the notice that a
certificate or a domain is about to expire have `msg` only; the latter begins with `[name]`.
"""

import re

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    fields_of,
    first_of,
    host_of,
    mapping_of,
    picked,
    tags_of,
    text_of,
    time_of,
)

_STATES = {"0": SignalState.FIRING, "1": SignalState.RESOLVED}
_NO_FAILURE = {"2": "is pending", "3": "is under maintenance"}
_EXPIRY = re.compile(
    r"\[(?P<name>[^\]]+)\](?:\[(?P<address>[^\]]*)\])?.*(?:certificate|domain).*expire", re.I | re.S
)


def read(message: Message) -> Understood:
    """Read a notification. Raises NotUnderstood when it has neither a heartbeat nor words."""
    body = fields_of(message)
    heartbeat = mapping_of(body.get("heartbeat"))
    if heartbeat:
        return _heartbeat(message, body)
    said = text_of(body.get("msg"))
    if not said:
        raise NotUnderstood("an Uptime Kuma webhook has `heartbeat`, `monitor` and `msg`")
    expiry = _EXPIRY.match(said)
    if expiry is None:
        return Understood(remarks=[f"words without a heartbeat (a test): {said[:200]}"])
    return Understood(
        [
            a_signal(
                message,
                fingerprint=f"expiry:{digest(expiry['name'], expiry['address'] or '')}",
                component=expiry["name"],
                summary=said,
                state=SignalState.FIRING,
                severity=Severity.WARNING,
                links=(("monitored", expiry["address"]),),
                body=body,
            )
        ]
    )


def _heartbeat(message: Message, body: object) -> Understood:
    fields = mapping_of(body)
    heartbeat, monitor = mapping_of(fields.get("heartbeat")), mapping_of(fields.get("monitor"))
    status = text_of(heartbeat.get("status"))
    number = first_of(heartbeat, "monitorID", "monitor_id") or first_of(monitor, "id")
    name = first_of(monitor, "name", "pathName") or host_of(first_of(monitor, "url", "hostname"))
    if status not in _STATES:
        why = _NO_FAILURE.get(status, f"has the status {status!r}, which says nothing here")
        return Understood(remarks=[f"the monitor {name or number} {why}"])
    state = _STATES[status]
    at = time_of(heartbeat.get("time"))
    said = first_of(heartbeat, "msg") or first_of(fields, "msg")
    return Understood(
        [
            a_signal(
                message,
                fingerprint=number or digest(name),
                component=name or (number and f"monitor {number}"),
                summary=f"{name}: {said}" if name and said else said or name,
                description=first_of(monitor, "description"),
                state=state,
                started_at=at if state is SignalState.FIRING else None,
                ended_at=at,
                labels=picked(monitor, "type", "hostname", "port", "url")
                | picked({"tags": tags_of(monitor.get("tags"))}, "tags"),
                links=(("monitored", monitor.get("url")),),
                body=body,
            )
        ]
    )


KIND = Kind(
    name="uptime_kuma",
    title="Uptime Kuma",
    expects="A notification of the type Webhook with this address as its Post URL, with the "
    "preset body as JSON or as form data.",
    documentation="https://github.com/louislam/uptime-kuma/wiki/Notification-Methods",
    read=read,
)
