"""updown.io's webhooks: a list of events of checks.

Source: updown.io, API, webhooks. `check.down`, `check.still_down` and `check.up` have the
`downtime`; an `up` that ends none says that a check is up for the first time. The certificate has
`check.ssl_invalid`, `ssl_valid`, `ssl_expiration` and `ssl_renewed`; `check.performance_drop`
tells that the Apdex fell. A check is known by its alias, or else by its address.
"""

from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    first_of,
    host_of,
    mapping_of,
    picked,
    text_of,
    time_of,
)

_FIRING, _RESOLVED = SignalState.FIRING, SignalState.RESOLVED
_EVENTS = {
    "check.down": ("", _FIRING, Severity.UNKNOWN),
    "check.still_down": ("", _FIRING, Severity.UNKNOWN),
    "check.up": ("", _RESOLVED, Severity.UNKNOWN),
    "check.ssl_invalid": (":certificate", _FIRING, Severity.UNKNOWN),
    "check.ssl_valid": (":certificate", _RESOLVED, Severity.UNKNOWN),
    "check.ssl_expiration": (":expiration", _FIRING, Severity.WARNING),
    "check.ssl_renewed": (":expiration", _RESOLVED, Severity.UNKNOWN),
    "check.performance_drop": (":performance", _FIRING, Severity.WARNING),
}
"""For each event what of the check it is about, what it says, and how bad that is."""


def read(message: Message) -> Understood:
    """Read events; one that is none is remarked on. Raises NotUnderstood when there is none."""
    body = message.json()
    events = body if isinstance(body, list) else [body]
    understood = Understood()
    for place, event in enumerate(events):
        kind = text_of(mapping_of(event).get("event"))
        if kind not in _EVENTS:
            understood.remarks.append(f"event {place}, {kind[:100]!r}, was left out")
        elif kind == "check.up" and _ends_nothing(event):
            understood.remarks.append(f"event {place}: a check is up for the first time")
        else:
            understood.signals.append(_signal(message, event, kind))
    if not any(mapping_of(event).get("event") for event in events):
        raise NotUnderstood("an updown.io webhook is a list of events with `event` and `check`")
    return understood


def _ends_nothing(event: Mapping[str, Any]) -> bool:
    downtime = mapping_of(event.get("downtime"))
    return bool(downtime) and not (downtime.get("started_at") or downtime.get("ended_at"))


def _signal(message: Message, event: Mapping[str, Any], kind: str) -> Signal:
    check, downtime = mapping_of(event.get("check")), mapping_of(event.get("downtime"))
    about, state, severity = _EVENTS[kind]
    ssl = mapping_of(event.get("ssl"))
    name = first_of(check, "alias") or host_of(check.get("url"))
    token = first_of(check, "token") or digest(name)
    at, began_at = time_of(event.get("time")), time_of(downtime.get("started_at"))
    why = first_of(downtime, "error") or first_of(ssl, "error") or first_of(check, "error")
    what = kind.removeprefix("check.").replace("_", " ")
    return a_signal(
        message,
        fingerprint=f"{token}{about}",
        component=name,
        summary=first_of(event, "description") or f"{name}: {what}" + (f" ({why})" if why else ""),
        state=state,
        severity=severity,
        started_at=began_at
        or ((time_of(check.get("down_since")) or at) if state is _FIRING else None),
        ended_at=time_of(downtime.get("ended_at")) or at,
        told_at=event.get("time") or downtime.get("ended_at") or downtime.get("started_at"),
        labels=picked(check, "url", "last_status", "token")
        | picked(ssl, "days_before_expiration")
        | picked(event, "apdex_dropped"),
        links=(("monitored", check.get("url")), ("downtime", downtime.get("details_url"))),
        body=event,
    )


KIND = Kind(
    name="updown",
    title="updown.io",
    expects="A recipient of the type Webhook with this address.",
    documentation="https://updown.io/api#webhooks",
    read=read,
)
