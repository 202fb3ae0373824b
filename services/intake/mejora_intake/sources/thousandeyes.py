"""ThousandEyes' webhooks: an alert that is triggered or cleared, of a test or of an agent.

Source: docs.thousandeyes.com, alerts, webhooks; and custom webhooks, whose variables are the same
with other names. `eventType` ends in TRIGGER or CLEAR (`type.id` is 2 or 1). `dateStartZoned`
names the zone; the older `dateStart` is in the organization's zone, which is UTC unless chosen.
Severities are Info, Minor, Major and Critical.
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
    list_of,
    mapping_of,
    picked,
    severity_from,
    tags_of,
    text_of,
)

_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "major": Severity.ERROR,
    "minor": Severity.WARNING,
    "info": Severity.INFO,
}


def read(message: Message) -> Understood:
    """Read a notification. Raises NotUnderstood when it has no alert."""
    body = fields_of(message)
    kind = mapping_of(body.get("type"))
    event = first_of(body, "eventType") or first_of(kind, "name", "id")
    alert = mapping_of(body.get("alert")) or mapping_of(body.get("agentAlert"))
    if "TEST" in event.upper():
        return Understood(remarks=["a test of the webhook"])
    if not alert:
        raise NotUnderstood("a ThousandEyes webhook has `eventType` and `alert`")
    is_over = "CLEAR" in event.upper() or text_of(kind.get("id")) == "1"
    if not event:
        is_over = first_of(alert, "state", "alertState").lower() in ("cleared", "inactive")
    return Understood([_signal(message, body, alert, is_over=is_over)])


def _signal(
    message: Message, body: Mapping[str, Any], alert: Mapping[str, Any], *, is_over: bool
) -> Signal:
    test, rule = mapping_of(alert.get("test")), mapping_of(alert.get("rule"))
    targets = tags_of(alert.get("testTargetsDescription")) or tags_of(alert.get("targets"))
    ruled = first_of(alert, "ruleName") or first_of(rule, "name")
    name = (
        first_of(alert, "testName")
        or first_of(test, "name")
        or first_of(alert, "agentName", "hostname", "deviceName")
        or targets
        or ruled
    )
    agents = [mapping_of(agent) for agent in list_of(alert.get("agents"))]
    return a_signal(
        message,
        fingerprint=first_of(alert, "alertId", "id") or digest(name, ruled),
        component=name,
        summary=f"{name}: {ruled}" if name and ruled else ruled or name,
        description="\n".join(
            filter(
                None,
                (
                    first_of(alert, "ruleExpression") or first_of(rule, "expression"),
                    *(
                        f"{first_of(agent, 'agentName', 'name')}: "
                        f"{first_of(agent, 'metricsAtEnd', 'metricsAtStart')}"
                        for agent in agents
                    ),
                ),
            )
        ),
        state=SignalState.RESOLVED if is_over else SignalState.FIRING,
        severity=severity_from(_SEVERITIES, _severity(alert, rule)),
        started_at=_time(alert, "dateStartZoned", "dateStart", "startDate", "firstSeen"),
        ended_at=_time(alert, "dateEndZoned", "dateEnd", "endDate"),
        labels=picked(alert, "type", "alertType", "ruleName", "agentName", "violationCount")
        | picked({"target": targets, "tests": tags_of(alert.get("testLabels"))}, "target", "tests"),
        links=(("alert", alert.get("permalink")),),
        body=body,
    )


def _severity(alert: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    named = mapping_of(alert.get("severity"))
    said = first_of(named, "name", "id") or first_of(alert, "severity", "alertSeverity")
    return said or first_of(rule, "severity")


def _time(alert: Mapping[str, Any], *names: str) -> Any:
    return any_time_of(*map(alert.get, names))


KIND = Kind(
    name="thousandeyes",
    title="ThousandEyes",
    expects="A webhook integration with this address, chosen in the alert rules' notifications.",
    documentation="https://docs.thousandeyes.com/product-documentation/alerts/integrations/webhooks",
    read=read,
)
