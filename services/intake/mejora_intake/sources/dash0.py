"""Dash0's alerting webhook.

Source: dash0.com, integrations, "Webhook (alerting)". `type` is alert.ongoing, alert.resolved,
alert.superseded (the check rule changed, and another issue goes on) or alert.closed. The
`issueIdentifier` stays the same for a check rule and resource; an issue is degraded or critical.
Labels are written as OpenTelemetry writes attributes.
"""

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.alertmanager import COMPONENT_LABELS
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    first_of,
    labels_of,
    list_of,
    mapping_of,
    severity_from,
    text_of,
    time_of,
)

_STATES = {"degraded": Severity.WARNING, "failed": Severity.CRITICAL}
_ENDED = ("alert.resolved", "alert.closed")
_THINGS = ("service.name", "dash0.resource.name", "k8s.deployment.name", "k8s.pod.name")


def read(message: Message) -> Understood:
    """Read one issue; raises NotUnderstood when there is none."""
    body = mapping_of(message.json())
    kind = text_of(body.get("type"))
    issue = mapping_of(body.get("data")).get("issue")
    if kind == "test":
        return Understood(remarks=["a test of the webhook"])
    if not isinstance(issue, dict):
        raise NotUnderstood("a webhook of Dash0 has `type` and an object `data.issue`")
    if kind == "alert.superseded":
        return Understood(remarks=["an issue was superseded: another one goes on"])
    rules = [mapping_of(one) for one in list_of(issue.get("checkrules"))]
    rule = rules[0] if rules else mapping_of(issue.get("checkrule"))
    labels = _labels(issue.get("labels"))
    name = first_of(rule, "name")
    status = text_of(issue.get("status")).lower()
    over = kind in _ENDED or (not kind and status in ("resolved", "closed"))
    marks = labels | _labels(issue.get("annotations"))
    said = first_of(marks, "severity") or status
    signal = a_signal(
        message,
        fingerprint=first_of(issue, "issueIdentifier", "id") or digest(name, *labels.values()),
        component=first_of(labels, *_THINGS, *COMPONENT_LABELS, "host.name") or name,
        summary=first_of(issue, "summary") or name,
        description=first_of(issue, "description"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=severity_from(_STATES, said),
        started_at=time_of(issue.get("start")),
        ended_at=time_of(issue.get("end")) if over else None,
        labels=labels | ({"check_rule": name} if name else {}),
        links=(("issue", issue.get("url")), ("check rule", rule.get("url"))),
    )
    return Understood([signal])


def _labels(value: object) -> dict[str, str]:
    if isinstance(value, dict):
        return labels_of(value)
    pairs = (mapping_of(one) for one in list_of(value))
    return {
        text_of(one.get("key"), 200): text_of(next(iter(held.values())), 2000)
        for one in pairs
        if (held := mapping_of(one.get("value")))
    }


KIND = Kind(
    name="dash0",
    title="Dash0",
    expects="A notification channel of type webhook with this address, on the check rules.",
    documentation="https://www.dash0.com/hub/integrations/int_alerting_webhook/overview",
    read=read,
)
