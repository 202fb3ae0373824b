"""Checkly's webhook alert channel: a template with the documented variables.

Source: checklyhq.com, docs, alerting, webhooks. The body is the customer's; it is read by the
variables' names as keys, in any case (`CHECK_NAME` or `check_name`, `ALERT_TYPE`, `STARTED_AT`,
…). An alert type is a change of state: to failing, to degraded, still so, or recovered; ALERT_SSL
is a certificate that is about to expire.
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
    picked,
    tags_of,
    with_plain_names,
)

_FIRING, _RESOLVED = SignalState.FIRING, SignalState.RESOLVED
_TYPES = {
    "alert_failure": (_FIRING, Severity.CRITICAL),
    "alert_failure_remain": (_FIRING, Severity.CRITICAL),
    "alert_degraded_failure": (_FIRING, Severity.CRITICAL),
    "alert_degraded": (_FIRING, Severity.WARNING),
    "alert_degraded_remain": (_FIRING, Severity.WARNING),
    "alert_failure_degraded": (_FIRING, Severity.WARNING),
    "alert_ssl": (_FIRING, Severity.WARNING),
    "alert_recovery": (_RESOLVED, Severity.UNKNOWN),
    "alert_degraded_recovery": (_RESOLVED, Severity.UNKNOWN),
}


def read(message: Message) -> Understood:
    """Read an alert. Raises NotUnderstood when it has no type."""
    body = fields_of(message)
    alert = with_plain_names(body)
    kind = first_of(alert, "alerttype", "type").lower()
    if not kind:
        raise NotUnderstood("a Checkly webhook has `alert_type` and `check_name`")
    if kind not in _TYPES:
        return Understood(remarks=[f"an alert of the type {kind[:200]!r}: no failure"])
    return Understood([_signal(message, alert, body, kind)])


def _signal(message: Message, alert: Mapping[str, Any], body: object, kind: str) -> Signal:
    state, severity = _TYPES[kind]
    title = first_of(alert, "event", "alerttitle", "title")
    name = first_of(alert, "checkname", "name") or first_of(alert, "sslcheckdomain") or title
    check = first_of(alert, "checkid") or digest(name)
    at = any_time_of(alert.get("startedat"), alert.get("timestamp"))
    return a_signal(
        message,
        fingerprint=f"{check}:certificate" if kind == "alert_ssl" else check,
        component=name,
        summary=title or f"{name}: {kind.replace('_', ' ')}",
        description=first_of(alert, "checkerrormessage"),
        state=state,
        severity=severity,
        started_at=at if state is _FIRING else None,
        ended_at=at,
        told_at=first_of(alert, "checkresultid"),
        labels=picked(
            alert, "groupname", "checktype", "runlocation", "responsetime", "ssldaysremaining"
        )
        | picked({"tags": tags_of(alert.get("tags"))}, "tags"),
        links=(("Checkly", alert.get("link")), ("Checkly", alert.get("resultlink"))),
        body=body,
    )


KIND = Kind(
    name="checkly",
    title="Checkly",
    expects="An alert channel of the type Webhook with this address, POST, and a JSON body that "
    "has the variables under their own names.",
    documentation="https://www.checklyhq.com/docs/integrations/alerts/webhooks/",
    read=read,
)
