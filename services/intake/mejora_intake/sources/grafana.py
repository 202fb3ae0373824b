"""Grafana's webhook contact point, and the notification channel of its legacy alerting.

Source: grafana.com, Alerting, webhook notifier. Unified alerting (8 and later) sends a group of
alerts like Alertmanager's, with `fingerprint`, `silenceURL`, `dashboardURL` and `panelURL`; a test
of the contact point has a `groupKey` that begins with `test-`, and the alert `TestAlert` of
`Grafana`. Legacy alerting (until 10) sends
one rule with `ruleId`, `ruleName`, `evalMatches` and a `state` (`alerting`, `ok`, `no_data`,
`pending`, `paused`), and says no time. A rule as it is provisioned, with its `condition` and
`title`, is read as an alert of it.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.alertmanager import COMPONENT_LABELS, understood_of
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    first_of,
    labels_of,
    list_of,
    mapping_of,
    severity_of,
    text_of,
)

_LEGACY_STATES = {
    "alerting": SignalState.FIRING,
    "no_data": SignalState.FIRING,
    "ok": SignalState.RESOLVED,
}


def read(message: Message) -> Understood:
    """Read a notification. Raises NotUnderstood when it is of neither kind of alerting."""
    body = mapping_of(message.json())
    if isinstance(body.get("alerts"), list):
        return _unified(message, body)
    if "ruleName" in body or "ruleId" in body or "evalMatches" in body:
        return _legacy(message, body)
    if "condition" in body and text_of(body.get("title")):
        return _rule(message, body)
    raise NotUnderstood("a Grafana webhook has a list `alerts`, or a `ruleName` and a `state`")


def _unified(message: Message, body: Mapping[str, Any]) -> Understood:
    labels = [labels_of(mapping_of(alert).get("labels")) for alert in body["alerts"]]
    if text_of(body.get("groupKey")).startswith("test-") or (labels and all(map(_is_test, labels))):
        return Understood(remarks=["a test of the contact point"])
    return understood_of(message, body)


def _is_test(labels: Mapping[str, str]) -> bool:
    return labels.get("alertname") == "TestAlert" and labels.get("instance") == "Grafana"


def _legacy(message: Message, body: Mapping[str, Any]) -> Understood:
    said = text_of(body.get("state")).lower()
    state = _LEGACY_STATES.get(said)
    if state is None:
        return Understood(remarks=[f"a rule in the state {said[:200]!r}, which is no failure"])
    matches = [mapping_of(match) for match in list_of(body.get("evalMatches"))]
    labels: dict[str, str] = {}
    for tags in (*(match.get("tags") for match in reversed(matches)), body.get("tags")):
        labels |= labels_of(tags)
    name = first_of(body, "ruleName", "title")
    rule = text_of(body.get("ruleId")).strip("0") and text_of(body.get("ruleId"))
    if name == "Test notification" and not rule:
        return Understood(remarks=["a test of the notification channel"])
    signal = a_signal(
        message,
        fingerprint=digest(text_of(body.get("orgId")), rule or name),
        component=first_of(labels, *COMPONENT_LABELS) or name,
        summary=name,
        description=_description(body, matches),
        state=state,
        severity=severity_of(labels.get("severity") or labels.get("priority")),
        labels=labels,
        links=(("rule", body.get("ruleUrl")), ("image", body.get("imageUrl"))),
    )
    return Understood([signal])


def _description(body: Mapping[str, Any], matches: list[Mapping[str, Any]]) -> str:
    values = (f"{text_of(match.get('metric'))}: {text_of(match.get('value'))}" for match in matches)
    return "\n".join(filter(None, (text_of(body.get("message")), *values)))


def _rule(message: Message, rule: Mapping[str, Any]) -> Understood:
    if rule.get("isPaused") is True:
        return Understood(remarks=["a rule that is paused"])
    title = text_of(rule.get("title"))
    return Understood([_rule_signal(message, rule, title)])


def _rule_signal(message: Message, rule: Mapping[str, Any], title: str) -> Signal:
    labels = labels_of(rule.get("labels"))
    notes = labels_of(rule.get("annotations"))
    group = (text_of(rule.get(name)) for name in ("orgID", "folderUID", "ruleGroup"))
    return a_signal(
        message,
        fingerprint=text_of(rule.get("uid")) or digest(*group, title),
        component=first_of(labels, *COMPONENT_LABELS) or title,
        summary=first_of(notes, "summary") or title,
        description=first_of(notes, "description"),
        state=SignalState.FIRING,
        severity=severity_of(labels.get("severity")),
        labels=labels,
        links=(("runbook", notes.get("runbook_url")),),
    )


KIND = Kind(
    name="grafana",
    title="Grafana",
    expects="A contact point of the type webhook with this address as its URL; each notification "
    "is a group of alerts, firing and resolved. Legacy alerting's channel of the type webhook "
    "sends a rule and its state.",
    documentation="https://grafana.com/docs/grafana/latest/alerting/configure-notifications/"
    "manage-contact-points/integrations/webhook-notifier/",
    read=read,
)
