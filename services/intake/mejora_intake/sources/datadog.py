"""Datadog's webhooks: the default payload, and payloads of one's own made of its variables.

Source: docs.datadoghq.com, integrations, webhooks. What a webhook posts is the customer's choice:
fields are known by the variable's name in any spelling (`$ALERT_TRANSITION` as `alert_transition`
or `alertTransition`), at the top or one level down, as JSON or as a form. The default payload has
only `title`, `body`, `event_type`, `date`, `last_updated`, `org` and `id`; there the priority, the
transition and the scope stand in the title: `[P2] [Triggered on {host:web01}] …`. A variable
without a value is `null`, empty or itself. A monitor as it is defined (`monitor_id`, `type`,
`query`) is read as an alert of it.

Severity is the monitor's priority (P1 to P5), else the alert's type or its transition. What failed
is told by the tags and the scope.
"""

import re
from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.alertmanager import COMPONENT_LABELS
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    list_of,
    picked,
    severity_from,
    tags_of,
    text_of,
    with_plain_names,
)

_FIRING = (
    *("triggered", "retriggered", "warn", "rewarn", "nodata", "renodata", "renotify", "alert"),
    "active",
)
_RESOLVED = ("recovered", "resolved", "success", "ok", "completed")
_NO_ALERTS = ("info", "user_update", "recommendation", "snapshot")
"""Types of events that are not of alerts."""
_PRIORITIES = {
    "1": Severity.CRITICAL,
    "2": Severity.ERROR,
    "3": Severity.WARNING,
    "4": Severity.INFO,
    "5": Severity.INFO,
}
_SCALE = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "info": Severity.INFO,
    "success": Severity.UNKNOWN,
}
_UNFILLED = re.compile(r"null|None|\$[A-Z][A-Z_]*(\[.*\])?")
_PRIORITY = re.compile(r"(p|sev-)?([1-5])", re.IGNORECASE)
_SCOPE = re.compile(r" on \{(?P<scope>[^{}]*)\}")
_MARKS = re.compile(r"^\s*((?:\[[^\]]*\]\s*)+)")
_TIMES = ("date", "dateposix", "datehappened", "lastupdated", "timestamp", "time")
_TITLES = ("alerttitle", "eventtitle", "title", "incidenttitle", "monitorname", "name", "summary")


def read(message: Message) -> Understood:
    """Read a message. Raises NotUnderstood when it has neither a title nor a monitor's id."""
    fields = fields_of(message)
    alert = _alert_of(fields)
    if not first_of(alert, *_TITLES, "alertid", "monitorid", "aggregkey", "alertcyclekey"):
        raise NotUnderstood("a Datadog webhook has a title (`$EVENT_TITLE`) or an `$ALERT_ID`")
    transition = _transition(alert)
    if transition.endswith("recovered"):
        transition = "recovered"  # also `Warn Recovered` and `No Data Recovered`
    kind = first_of(alert, "alerttype", "level").lower()
    if transition in _RESOLVED or (kind == "success" and transition not in _FIRING):
        return Understood([_signal(message, fields, alert, SignalState.RESOLVED, transition)])
    if transition in _FIRING or (not transition and kind not in _NO_ALERTS):
        return Understood([_signal(message, fields, alert, SignalState.FIRING, transition)])
    said = transition or f"an event of the type {kind}"
    return Understood(remarks=[f"{said[:200]}, which tells of no failure"])


def _alert_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give the variables by their plain names; those one level down by both names, as `orgname`."""
    alert = with_plain_names(fields)
    for name, value in list(alert.items()):
        for inner, held in with_plain_names(value).items():
            alert.setdefault(name + inner, held)
            if name not in ("org", "user"):
                alert.setdefault(inner, held)
    return {
        name: value
        for name, value in alert.items()
        if not (isinstance(value, str) and _UNFILLED.fullmatch(value.strip()))
    }


def _transition(alert: Mapping[str, Any]) -> str:
    """Give the transition as one small word; the title's when nothing else says it."""
    if said := first_of(alert, "alerttransition", "transition", "incidentstatus"):
        return _word(said)
    told = (_word(first_of(alert, name)) for name in ("status", "state", "alertstatus"))
    if word := next(filter(_is_transition, told), ""):
        return word
    title = first_of(alert, *_TITLES)
    marks = re.findall(r"\[([^\]]*)\]", _marks(title))
    # Older titles say it after the mark: `[Monitor Alert] Triggered: …`.
    words = [_word(mark) for mark in (*marks, title.removeprefix(_marks(title)).split(":")[0])]
    return next((word for word in words if word == "test" or _is_transition(word)), "")


def _is_transition(word: str) -> bool:
    return word in (*_FIRING, *_RESOLVED) or word.endswith("recovered")


def _word(said: str) -> str:
    return re.sub(r"[^a-z]", "", said.lower().split(" on ")[0])


def _marks(title: str) -> str:
    found = _MARKS.match(title)
    return found.group(1) if found else ""


def _signal(
    message: Message,
    fields: Mapping[str, Any],
    alert: Mapping[str, Any],
    state: SignalState,
    transition: str,
) -> Signal:
    title = first_of(alert, *_TITLES)
    name = _name_in(title)
    tags = _tags(alert)
    host = first_of(alert, "hostname", "host")
    scope = tags_of(alert.get("alertscope")) or tags_of(alert.get("scopes"))
    scope = scope or _scope_in_title(alert)
    monitor = first_of(alert, "alertid", "monitorid", "uniquekey")
    at = any_time_of(*(alert.get(n) for n in _TIMES))
    return a_signal(
        message,
        fingerprint=first_of(alert, "aggregkey", "alertcyclekey", "incidentpublicid")
        or digest(monitor or name, scope or host),
        component=first_of(tags, *COMPONENT_LABELS) or host or name or monitor,
        summary=name or first_of(alert, "alertstatus") or f"monitor {monitor}",
        description=first_of(alert, "textonlymsg", "eventmsg", "body", "message", "alertstatus"),
        state=state,
        severity=_severity(alert, transition),
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at,
        told_at=first_of(alert, "id", "eventid"),
        labels=tags
        | picked({"host": host}, "host")
        | picked(alert, "alertmetric", "alertquery", "query", "eventtype", "type", "orgname"),
        links=(("Datadog", alert.get("link")), ("snapshot", alert.get("snapshot"))),
        body=fields,
    )


def _tags(alert: Mapping[str, Any]) -> dict[str, str]:
    """Read `service:orders,env:production`, the tags and the scope, which are texts or lists."""
    tags: dict[str, str] = {}
    known = (alert.get(name) for name in ("alertscope", "scope", "scopes", "tags"))
    for given in (*known, _scope_in_title(alert)):
        for tag in list_of(given) or text_of(given).split(","):
            key, colon, value = text_of(tag, 2000).partition(":")
            if colon and value:
                tags.setdefault(key.strip().lower(), value.strip())
    return tags


def _name_in(title: str) -> str:
    """Give the monitor's name, without the marks and the transition that stand before it."""
    name = title.removeprefix(_marks(title)).strip()
    said, colon, rest = name.partition(":")
    if colon and rest.strip() and _is_transition(_word(said)):
        name = rest.strip()
    return name or title


def _scope_in_title(alert: Mapping[str, Any]) -> str:
    found = _SCOPE.search(_marks(first_of(alert, *_TITLES)))
    return found["scope"] if found else ""


def _severity(alert: Mapping[str, Any], transition: str) -> Severity:
    """Read the priority, the transition or the type; an event's `$PRIORITY` is of no failure."""
    names = ("alertpriority", "priority", "incidentseverity")
    marks = re.findall(r"\[(P[1-5])\]", _marks(first_of(alert, *_TITLES)))
    for said in (*(first_of(alert, name) for name in names), *marks):
        if found := _PRIORITY.fullmatch(said):
            return _PRIORITIES[found.group(2)]
    if "warn" in transition:
        return Severity.WARNING
    return severity_from(_SCALE, first_of(alert, "alerttype", "severity", "level"))


KIND = Kind(
    name="datadog",
    title="Datadog",
    expects="A webhook with this address, called from monitors by `@webhook-…`; with a payload of "
    "one's own that has at least alert_id ($ALERT_ID), alert_transition ($ALERT_TRANSITION), "
    "alert_title, alert_type, alert_priority, alert_scope, tags, hostname, date, id and link.",
    documentation="https://docs.datadoghq.com/integrations/webhooks/",
    read=read,
)
