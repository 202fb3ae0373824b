"""Site24x7's webhook: the incident parameters of an alert, as JSON or as a form.

Source: site24x7.com, help, incident parameters. `STATUS` is UP, or one of DOWN, CRITICAL and
TROUBLE; monitors that are suspended, discovered or under maintenance do not fail. The times are
`OUTAGE_TIME_UNIX_FORMAT` (milliseconds) and `INCIDENT_TIME_ISO`. The customer may send the
parameters under own names, so names are read in any case.
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
    host_of,
    picked,
    severity_from,
    unix_time_of,
    with_plain_names,
)

_SEVERITIES = {
    "down": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "trouble": Severity.WARNING,
    "up": Severity.UNKNOWN,
}
_TIMES = ("incidenttimeiso", "incidenttime", "outagetime", "downtime", "time", "timestamp")
_NO_FAILURE = ("maintenance", "suspend", "discover", "resum", "config", "test")


def read(message: Message) -> Understood:
    """Read an alert. Raises NotUnderstood when it has no status."""
    body = fields_of(message)
    alert = with_plain_names(body)
    status = first_of(alert, "status", "monitorstatus", "alertstatus", "state").lower()
    if not status:
        raise NotUnderstood("a Site24x7 alert has `STATUS` and `MONITORNAME`")
    if any(word in status for word in _NO_FAILURE):
        return Understood(remarks=[f"the monitor's status is {status[:200]!r}: no failure"])
    return Understood([_signal(message, alert, body, status)])


def _signal(message: Message, alert: Mapping[str, Any], body: object, status: str) -> Signal:
    address = first_of(alert, "monitorurl")
    name = first_of(alert, "monitorname", "displayname", "monitor", "name") or host_of(address)
    state = SignalState.RESOLVED if status == "up" else SignalState.FIRING
    outage_at = unix_time_of(alert.get("outagetimeunixformat"))
    told_at = any_time_of(*map(alert.get, _TIMES))
    why = first_of(alert, "incidentreason", "incidentdetails", "reason")
    return a_signal(
        message,
        fingerprint=first_of(alert, "monitorid", "monitordashboardlink") or digest(name, address),
        component=name,
        summary=f"{name} is {status}" + (f": {why}" if why else ""),
        state=state,
        severity=severity_from(_SEVERITIES, status),
        started_at=outage_at or (told_at if state is SignalState.FIRING else None),
        ended_at=told_at or outage_at,
        labels=picked(alert, "monitortype", "monitorgroupname", "failedlocations", "tags"),
        links=(
            ("Site24x7", alert.get("monitordashboardlink")),
            ("root cause", alert.get("rcalink")),
            ("monitored", address),
        ),
        body=body,
    )


KIND = Kind(
    name="site24x7",
    title="Site24x7",
    expects="A third-party integration of the type Webhooks with this address as the hook URL, "
    "POST, with the incident parameters sent (as JSON or as a form).",
    documentation="https://www.site24x7.com/help/admin/configuration-profiles/incident-parameters.html",
    read=read,
)
