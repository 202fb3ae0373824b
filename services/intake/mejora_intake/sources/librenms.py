"""LibreNMS' API transport, whose fields the customer names after the alert's placeholders.

Source: docs.librenms.org, "Transports: API" and "Templates". `state` is 0 recovered, 1 alerting, 2
acknowledged, 3 got worse, 4 got better (and still alerts), 5 changed. Severity is critical,
warning or ok. An alert is that of one rule on one device.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    severity_of,
    with_inner_names,
)

_RECOVERED = ("0", "ok", "recovered", "resolved", "clear")
_ACKNOWLEDGED = ("2", "acknowledged", "ack")
_PLACEHOLDERS = ("hostname", "sysname", "display", "deviceid", "rule", "ruleid", "alertid", "uid")


def read(message: Message) -> Understood:
    """Read one alert, as JSON or a form; raises NotUnderstood when it has no placeholder."""
    alert = with_inner_names(fields_of(message))
    device = _device(alert)
    title = first_of(alert, "title", "summary", "name", "msg")
    if not title or not any(name in alert for name in _PLACEHOLDERS):
        raise NotUnderstood("an alert of LibreNMS has `title`, `hostname`, `state` and `severity`")
    state = first_of(alert, "state").lower()
    if state in _ACKNOWLEDGED:
        return Understood(remarks=[f"an alert of {device[:200]} was acknowledged"])
    said = first_of(alert, "severity")
    over = state in _RECOVERED or (not state and said.lower() in _RECOVERED)
    at = any_time_of(alert.get("timestamp"))
    rule = first_of(alert, "name", "ruleid") or first_of(alert, "alertid")
    labels = {
        "rule": rule,
        "os": first_of(alert, "os"),
        "type": first_of(alert, "type"),
        "sysName": first_of(alert, "sysname"),
        "location": first_of(alert, "location"),
    }
    signal = a_signal(
        message,
        fingerprint=digest(
            first_of(alert, "deviceid") or device, first_of(alert, "ruleid") or rule
        ),
        component=device or title,
        summary=title,
        description=first_of(alert, "msg", "string"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=severity_of(said),
        started_at=None if over else at,
        ended_at=at if over else None,
        told_at=first_of(alert, "uid") if at is None else None,
        labels={name: value for name, value in labels.items() if value},
        body=alert,
    )
    return Understood([signal])


def _device(alert: Mapping[str, Any]) -> str:
    """Name the device: a device that was added by its address has a better name than that."""
    host = first_of(alert, "hostname")
    is_address = host.replace(".", "").isdecimal() or ":" in host
    names = ("display", "hostname") if is_address else ("hostname", "display")
    return first_of(alert, *names, "sysname", "ip")


KIND = Kind(
    name="librenms",
    title="LibreNMS",
    expects="An alert transport of type API that posts to this address, with the alert's "
    "placeholders as JSON or as options.",
    documentation="https://docs.librenms.org/Alerting/Transports/API/",
    read=read,
)
