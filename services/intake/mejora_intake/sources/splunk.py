"""Splunk's webhook alert action.

Source: docs.splunk.com, Alerting manual, "Use a webhook alert action". A saved search that found
something posts its first result; there is no message for its end. The result's fields are those of
the search, so that severity is known only where the search gives one.
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

_SCALE = {"severe": Severity.CRITICAL, "debug": Severity.INFO}
_ALERT_SCALE = {
    "1": Severity.INFO,
    "2": Severity.INFO,
    "3": Severity.WARNING,
    "4": Severity.ERROR,
    "5": Severity.CRITICAL,
    "6": Severity.CRITICAL,
}
"""`alert.severity` of a saved search: debug, info, warn, error, severe, fatal."""


_THINGS = ("service", "service_name", "application", "component", "host", "dest")


def read(message: Message) -> Understood:
    """Read one triggered search; raises NotUnderstood when there is none."""
    body = mapping_of(message.json())
    result = mapping_of(body.get("result"))
    if not result and not ("search_name" in body or "sid" in body):
        raise NotUnderstood("a webhook of Splunk has `result`, `search_name` and `sid`")
    search = first_of(body, "search_name")
    component = next(filter(None, (_first(result.get(name)) for name in _THINGS)), "")
    of_alert = first_of(result, "alert.severity", "alert_severity") or first_of(body, "severity")
    said = first_of(result, "severity", "urgency", "priority", "log_level", "level")
    severity = severity_from(_SCALE | _ALERT_SCALE, of_alert)
    if severity is Severity.UNKNOWN:
        severity = severity_from(_SCALE, said)
    raw = first_of(result, "_raw", "message", "summary")
    signal = a_signal(
        message,
        fingerprint=digest(first_of(body, "app"), search, component),
        component=component or search or first_of(result, "source", "sourcetype", "index"),
        summary=search or raw,
        description=raw,
        state=SignalState.FIRING,
        severity=severity,
        started_at=any_time_of(result.get("_time"), result.get("_indextime")),
        told_at=digest(message.body.decode(errors="replace")),
        labels=picked(result, "host", "source", "sourcetype", "index", "service")
        | picked(body, "app", "owner"),
        links=(("results", body.get("results_link")),),
    )
    return Understood([signal])


def _first(value: object) -> str:
    """Give a field's value, or the first where a result has several."""
    return text_of(next(iter(value), "") if isinstance(value, list) else value)


KIND = Kind(
    name="splunk",
    title="Splunk",
    expects="An alert with the action webhook to this address; each time the search finds "
    "something, its first result is posted.",
    documentation="https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks",
    read=read,
)
