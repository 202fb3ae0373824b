"""VMware vRealize (Aria) Operations' REST notification plug-in.

Source: docs.vmware.com, vRealize Operations, "Add a REST plug-in for outbound alerts". An alert
has one `alertId` when it is new, updated and canceled; its dates are milliseconds since 1970, and
`cancelDate` is filled in even while it is active. Criticalities are critical, immediate, warning,
info, and auto or unknown.
"""

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    mapping_of,
    picked,
    severity_from,
    text_of,
)

_CRITICALITIES = {"immediate": Severity.ERROR, "auto": Severity.UNKNOWN}
_ENDED = ("canceled", "cancelled", "inactive")


def read(message: Message) -> Understood:
    """Read one alert; raises NotUnderstood when it is none."""
    alert = mapping_of(message.json())
    if not ("alertId" in alert or "criticality" in alert):
        raise NotUnderstood("an alert of vRealize has `alertId`, `criticality` and `resourceName`")
    ended = text_of(alert.get("status")).lower() in _ENDED
    said = text_of(alert.get("criticality")).lower().removeprefix("alert_criticality_level_")
    resource = first_of(alert, "resourceName", "resourceId")
    name = first_of(alert, "alertName", "info", "subType", "type")
    signal = a_signal(
        message,
        fingerprint=first_of(alert, "alertId") or digest(resource, name),
        component=resource or name,
        summary=name,
        description=first_of(alert, "info"),
        state=SignalState.RESOLVED if ended else SignalState.FIRING,
        severity=severity_from(_CRITICALITIES, said),
        started_at=any_time_of(alert.get("startDate")),
        ended_at=any_time_of(alert.get("cancelDate"), alert.get("updateDate")) if ended else None,
        labels=picked(alert, "resourceKind", "adapterKind", "type", "subType", "impact"),
    )
    return Understood([signal])


KIND = Kind(
    name="vmware_vrealize",
    title="VMware vRealize (Aria) Operations",
    expects="An outbound instance of the REST notification plug-in with this address, as JSON.",
    documentation="https://docs.vmware.com/en/vRealize-Operations/index.html",
    read=read,
)
