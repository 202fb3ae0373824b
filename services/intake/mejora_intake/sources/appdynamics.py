"""AppDynamics' HTTP request: a template of the customer's, filled with the documented variables.

Source: docs.appdynamics.com, alert and respond, predefined templating variables. The usual keys
are the variables' own names (`displayName`, `eventType`, `severity`, `application.name`, …), flat
or nested (`latestEvent`, `event`, `details`), or a list of events; names are read in any case.
The severities are INFO, WARN and ERROR, the last of which the product shows as critical; a health
rule's event says which of the two was violated. A variable that has no value stays as `${…}`.
"""

import re
from collections.abc import Iterator, Mapping

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    mapping_of,
    severity_from,
    text_of,
)

_SEVERITIES = {"error": Severity.CRITICAL, "warn": Severity.WARNING, "info": Severity.INFO}
_VIOLATIONS = {
    "upgraded": Severity.CRITICAL,
    "downgraded": Severity.WARNING,
    "critical": Severity.CRITICAL,
    "warning": Severity.WARNING,
}
_WRAPPERS = ("latestevent", "event", "details", "data", "payload")
_LISTS = ("events", "fullEventList", "clampedEventList", "eventList")
_ENDS = ("close", "ended", "cancel", "resolve", "healthy_event")
_CHANGES = (
    *("deployment", "config_change", "restart", "diagnostic_session", "thread_dump"),
    *("_discovered", "object_content_summary", "cluster_started"),
)
_PROBLEM = re.compile(r"problem with (?:the )?[\w ]{0,60}?<b>(?P<entity>[^<]+)</b>", re.I)
_RULE = re.compile(r"<b>(?P<rule>[^<]+)</b>\s*(?:started|ended|continues|is |has |was |no )", re.I)
_INCIDENT = re.compile(r"incident=(\d+)")
_STATE = re.compile(r"\b(?:started|continues|upgraded|downgraded|ended|cancel)", re.I)
_MARKUP = re.compile(r"<[^<>]{0,200}>")

Fields = Mapping[str, str]


def read(message: Message) -> Understood:
    """Read an event or a list of them. Raises NotUnderstood when there is none."""
    body = fields_of(message)
    listed = next((body[name] for name in _LISTS if isinstance(body.get(name), list)), [body])
    common = dict(_flat({name: field for name, field in body.items() if name not in _LISTS}))
    understood = Understood()
    for place, event in enumerate(listed):
        fields = common | dict(_flat(event))
        name = _first(fields, "displayname", "eventname", "name", "title", "summary")
        kind = _first(fields, "eventtype", "eventtypekey")
        if not kind and not (name and _first(fields, "severity", "topseverity")):
            understood.remarks.append(f"events.{place} has no `eventType` and was left out")
        elif any(word in kind.lower() for word in _CHANGES):
            understood.remarks.append(f"the event {kind}, which tells of no failure: {name}")
        else:
            understood.signals.append(_signal(message, fields, f"{kind} {name}".lower(), event))
    if listed == [body] and not understood.signals and "left out" in understood.remarks[0]:
        raise NotUnderstood("an AppDynamics request has `eventType`, or a name and `severity`")
    return understood


def _signal(message: Message, fields: Fields, told: str, event: object) -> Signal:
    brief = _first(fields, "summarymessage", "summary", "description")
    name = _first(fields, "displayname", "eventname", "name", "title")
    name = name or brief or _first(fields, "eventtype")
    said = _first(fields, "eventmessage", "message") or brief
    problem, violated = _PROBLEM.search(f"{brief} {said}"), _RULE.search(f"{brief} {said}")
    rule = _first(fields, "healthrulename", "healthrule") or (violated["rule"] if violated else "")
    policy = _first(fields, "policyname", "policy")
    component = _component(fields) or (problem["entity"].strip() if problem else "")
    link = _first(fields, "deeplink", "incidenturl", "url", "link")
    incident = _first(fields, "incidentid", "incident") or "".join(_INCIDENT.findall(link)[:1])
    affected = _first(fields, "nodename", "node", "affectedentityname", "affectedentityid")
    about = rule or policy or _STATE.split(name)[0].strip()
    state = SignalState.RESOLVED if any(word in told for word in _ENDS) else SignalState.FIRING
    times = ("eventtime", "lastreceived", "triggertime", "actiontriggertime", "time")
    at = any_time_of(*map(fields.get, times))
    return a_signal(
        message,
        fingerprint=incident or digest(component, affected, about),
        component=component or about,
        summary=_without_markup(f"{name}: {rule}" if rule else name or brief),
        description=_without_markup(said),
        state=state,
        severity=_severity(fields, told),
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at,
        told_at=_first(fields, "guid", "id"),
        labels={
            label: text
            for label in ("eventtype", "application", "tier", "node", "policy")
            if (text := _first(fields, f"{label}name", label))
        },
        links=(("AppDynamics", link), ("controller", fields.get("controllerurl"))),
        body=event,
    )


def _component(fields: Fields) -> str:
    """Give the tier, which is a service; else the application, and else where it runs."""
    for name in ("tier", "application", "app", "node", "database", "server", "affectedentity"):
        if text := _first(fields, f"{name}name", name):
            return text
    return ""


def _severity(fields: Fields, told: str) -> Severity:
    if "policy" in told or "health rule" in told:
        for word, severity in _VIOLATIONS.items():
            if word in told:
                return severity
    return severity_from(_SEVERITIES, _first(fields, "severity", "topseverity"))


def _without_markup(text: str) -> str:
    return " ".join(_MARKUP.sub(" ", text).split())


def _flat(value: object, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Give the fields of nested objects under plain names: `application.name` → applicationname."""
    for name, field in mapping_of(value).items():
        plain = prefix + "".join(filter(str.isalnum, text_of(name).lower()))
        if isinstance(field, dict):
            if depth < 4:
                yield from _flat(field, "" if plain in _WRAPPERS else plain, depth + 1)
        elif not isinstance(field, list) and (text := text_of(field)):
            yield plain, text


def _first(fields: Fields, *names: str) -> str:
    for name in names:
        text = fields.get(name) or fields.get(f"event{name}", "")
        if text and "${" not in text and text.lower() not in ("null", "none"):
            return text
    return ""


KIND = Kind(
    name="appdynamics",
    title="AppDynamics",
    expects="An HTTP request template with this address, POST, and a JSON payload that has the "
    "event's variables under their own names, one request per event.",
    documentation="https://docs.appdynamics.com/appd/24.x/latest/en/appdynamics-essentials/alert-and-respond/actions/predefined-templating-variables",
    read=read,
)
