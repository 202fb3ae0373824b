"""Checkmk's notifications, whose macros a notification script posts as JSON or as a form.

Source: docs.checkmk.com, "Notifications" and "Notification scripts" (the NOTIFY_… variables). The
script is the customer's, so that a macro's name counts in any spelling: NOTIFY_HOSTNAME, HOSTNAME,
hostname or host. What fails is the host: a service is a check on it and names the failure. A
service is OK, WARNING, CRITICAL or UNKNOWN; a host is UP, DOWN or UNREACHABLE.
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
    mapping_of,
    severity_from,
    text_of,
    with_plain_names,
)

_SEVERITIES = {
    "down": Severity.CRITICAL,
    "unreachable": Severity.ERROR,
    "unreach": Severity.ERROR,
    "unknown": Severity.UNKNOWN,
}
_FINE = ("ok", "up")
_SILENT = ("acknowledgement", "downtime", "flapping", "alerthandler", "custom")


def read(message: Message) -> Understood:
    """Read one notification; raises NotUnderstood when it names neither host nor state."""
    fields = fields_of(message)
    macros = _macros(mapping_of(fields.get("context")) or fields)
    host = first_of(macros, "hostname", "host", "hostalias", "hostaddress")
    of_service = first_of(macros, "what").upper() != "HOST"
    services = ("servicedesc", "servicedescription", "servicename", "service")
    service = first_of(macros, *services) if of_service else ""
    about = "service" if service else "host"
    said = (
        first_of(macros, f"{about}state", f"{about}currentstate")
        or first_of(macros, "state", "status")
        or first_of(macros, "event", "eventtxt").rpartition("->")[2].strip()
    )
    kind = first_of(macros, "notificationtype", "type").lower()
    if not host or not (said or kind):
        raise NotUnderstood("a notification of Checkmk has a host and its state or the service's")
    if kind.startswith(_SILENT):
        return Understood(remarks=[f"{kind[:100]} of {host[:200]} tells of no failure"])
    return Understood([_signal(message, macros, host, service, said.lower(), kind)])


def _macros(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    named = with_plain_names(fields)
    return {name.removeprefix("notify"): value for name, value in named.items()} | named


def _signal(
    message: Message, macros: Mapping[str, Any], host: str, service: str, said: str, kind: str
) -> Signal:
    over = said in _FINE if said else kind == "recovery"
    changed = "lastservicestatechange" if service else "lasthoststatechange"
    at = any_time_of(
        macros.get(changed),
        macros.get("microtime"),
        macros.get("longdatetime"),
        macros.get("shortdatetime"),
        macros.get("timestamp"),
        macros.get("ts"),
        macros.get("datetime"),
        macros.get("time"),
        macros.get("date"),
    )
    labels = {"host": host, "service": service, "site": first_of(macros, "omdsite", "site")}
    labels["address"] = first_of(macros, "hostaddress", "address")
    labels["check_command"] = first_of(macros, "servicecheckcommand", "checkcommand")
    return a_signal(
        message,
        fingerprint=digest(first_of(macros, "omdsite", "site"), host, service),
        component=host,
        summary=first_of(macros, "summary") or f"{service or host} is {said or kind}",
        description=first_of(macros, "serviceoutput" if service else "hostoutput", "output"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=severity_from(_SEVERITIES, said or text_of(macros.get("severity"))),
        started_at=None if over else at,
        ended_at=at if over else None,
        labels={name: value for name, value in labels.items() if value},
        links=(("Checkmk", first_of(macros, "url", "serviceurl", "hosturl")),),
        body=dict(macros),
    )


KIND = Kind(
    name="checkmk",
    title="Checkmk",
    expects="A notification script that posts the macros of a notification to this address, as "
    "JSON or as a form.",
    documentation="https://docs.checkmk.com/latest/en/notifications.html",
    read=read,
)
