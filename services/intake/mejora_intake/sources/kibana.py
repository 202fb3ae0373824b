"""Elastic's alerts: Kibana's webhook connector, Watcher's webhook action, ElastAlert's HTTP POST.

Sources: elastic.co, Kibana, "Webhook connector and action" and "Rule action variables"; Watcher,
"Watch execution context"; elastalert2.readthedocs.io, "HTTP POST". The body is a template of the
customer's, so that a field counts under the name of its variable in any spelling and at any depth:
`rule.name`, `ruleName`, `{"rule": {"name": …}}`. An alert is active until its action group is
`recovered`; severity is told by the template, by the alert or by its action group. A template whose
variables were not filled in (`{{rule.name}}`) tells of nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    list_of,
    mapping_of,
    severity_of,
    text_of,
)

_THINGS = (
    *("component", "servicename", "contextservicename", "service", "application", "app"),
    *("monitorname", "contextmonitorname", "kubernetesdeploymentname", "containername"),
    *("hostname", "contexthost", "host", "agentname", "observername", "contextgroup", "instance"),
)
_RULES = ("rulename", "alertname", "watchname", "metadataname", "name", "title", "watchid", "rule")
_TEXTS = (
    "contextreason",
    "reason",
    "kibanaalertreason",
    "contextmessage",
    "message",
    "contexttitle",
)
_STATES = (
    *("actiongroup", "alertactiongroup", "actiongroupname", "alertactiongroupname"),
    *("kibanaalertstatus", "alertstatus", "alertstate", "contextalertstate", "status", "state"),
    "eventtype",
)
_FINE = ("recovered", "ok", "resolved", "resolve", "inactive", "untracked", "cleared", "closed")
_STARTS = ("kibanaalertstart", "alertstart", "contextstart", "start", "startedat")
_TIMES = (
    *("contextdate", "contexttimestamp", "triggertriggeredtime", "triggeredtime", "executiontime"),
    *("timestamp", "date", "lastreceived", "createdat", "firedtime"),
)
_LINKS = ("alertdetailsurl", "viewinappurl", "contextlink", "ruleurl", "kibanaurl", "url", "link")


def read(message: Message) -> Understood:
    """Read an alert, a list of them, or a summary; raises NotUnderstood when it is none."""
    understood = Understood()
    for alert in _alerts(message.json()):
        fields = dict(_fields(alert))
        filled = {name: value for name, value in fields.items() if "{{" not in text_of(value)}
        if fields and not filled:
            understood.remarks.append("a template whose variables were not filled in")
        elif not first_of(filled, *_RULES, *_TEXTS):
            understood.remarks.append("an alert without a name or a message was left out")
        else:
            understood.signals.append(_signal(message, filled, alert))
    if not understood.signals and not any("template" in one for one in understood.remarks):
        raise NotUnderstood("an alert of Kibana has the name of its rule, or a message")
    return understood


def _alerts(body: Any) -> Iterator[Any]:
    """Give each alert with what is said of all; a summary has new, ongoing and recovered ones."""
    if isinstance(body, list):
        yield from body
        return
    summary = mapping_of(mapping_of(body).get("alerts"))
    if not any(isinstance(group, dict) and "data" in group for group in summary.values()):
        yield body
        return
    common = {name: value for name, value in body.items() if name != "alerts"}
    for group, state in (("new", "active"), ("ongoing", "active"), ("recovered", "recovered")):
        for alert in list_of(mapping_of(summary.get(group)).get("data")):
            yield common | dict(mapping_of(alert)) | {"actionGroup": state}


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Give each value under its whole name and then, if it lies deeper, under the name's end."""
    leaves = list(_leaves(value, ()))
    named: dict[str, Any] = {}
    for parts, leaf in leaves:
        named.setdefault("".join(parts), leaf)
    for parts, leaf in leaves:
        for cut in range(1, len(parts) - 1):
            named.setdefault("".join(parts[cut:]), leaf)
    yield from named.items()


_DEEPEST = 8
_MOST_FIELDS = 500


def _leaves(value: Any, parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Walk through objects, and through JSON in a text (Kibana puts whole variables in one)."""
    if isinstance(value, str) and value.startswith("{") and not value.startswith("{{"):
        with suppress(orjson.JSONDecodeError):
            value = orjson.loads(value)
    if isinstance(value, dict) and len(parts) < _DEEPEST:
        for name, field in list(value.items())[:_MOST_FIELDS]:
            words = text_of(name, 200).lower().replace("@", "").split(".")
            plain = tuple("".join(filter(str.isalnum, word)) for word in words)
            yield from _leaves(field, parts + plain)
    elif parts and value not in (None, "") and not isinstance(value, list | dict):
        yield parts, value


def _signal(message: Message, fields: Mapping[str, Any], alert: Any) -> Signal:
    rule = first_of(fields, *_RULES)
    text = first_of(fields, *_TEXTS)
    component = first_of(fields, *_THINGS)
    said = [first_of(fields, name).lower() for name in _STATES]
    over = any(word in _FINE for word in said)
    at = any_time_of(*(fields.get(name) for name in _TIMES))
    start = any_time_of(*(fields.get(name) for name in _STARTS))
    end = any_time_of(fields.get("kibanaalertend"), fields.get("alertend"))
    labels = {
        "rule": rule,
        "host": first_of(fields, "hostname", "host"),
        "service": first_of(fields, "servicename", "service"),
        "environment": first_of(fields, "serviceenvironment", "environment"),
        "index": first_of(fields, "index"),
    }
    rule_id = first_of(fields, "ruleid", "kibanaalertruleuuid", "watchid") or rule
    alert_id = first_of(fields, "fingerprint", "alertid", "kibanaalertinstanceid", "instanceid")
    return a_signal(
        message,
        fingerprint=digest(rule_id, alert_id or component),
        component=component or rule or text,
        summary=text or rule,
        description=first_of(fields, "description", "contextconditions"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=_severity(fields, said),
        started_at=start or (None if over else at),
        ended_at=(end or at) if over else None,
        told_at=first_of(fields, "contextdate", "timestamp") or at,
        labels={name: value for name, value in labels.items() if value},
        links=[(name, fields[name]) for name in _LINKS if name in fields],
        body=alert,
    )


def _severity(fields: Mapping[str, Any], states: list[str]) -> Severity:
    """Take what is called a severity, else the action group's own name (`….fired.warning`)."""
    told = severity_of(
        first_of(fields, "severity", "kibanaalertseverity", "contextseverity", "priority", "level")
    )
    if told is not Severity.UNKNOWN:
        return told
    # The worst of four of an objective's burn rate is `slo.burnRate.alert`, "Critical".
    groups = (severity_of(word.rpartition(".")[2]) for word in states if word != "alert")
    return next((one for one in groups if one is not Severity.UNKNOWN), Severity.UNKNOWN)


KIND = Kind(
    name="kibana",
    title="Kibana (rules and connectors), Watcher, ElastAlert",
    expects="A webhook connector to this address; in its body, name fields after the variables: "
    '{"rule": {"name": "{{rule.name}}", "id": "{{rule.id}}"}, "alert": {"id": "{{alert.id}}"}, '
    '"actionGroup": "{{alert.actionGroup}}", "service": …, "severity": …, "message": …}.',
    documentation="https://www.elastic.co/docs/reference/kibana/connectors-kibana/"
    "webhook-action-type",
    read=read,
)
