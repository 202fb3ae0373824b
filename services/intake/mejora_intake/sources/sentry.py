"""Sentry's webhooks: the integration platform's, and the legacy plugin's.

Source: docs.sentry.io, integration platform, webhooks. The platform sends an `action` and `data`
with an `issue` (`created`, `resolved`, `unresolved`, `assigned`, `archived`), an `event` (an issue
alert that was `triggered`), an `error` (`created`) or a `metric_alert` (`critical`, `warning`,
`resolved`); comments, installations and the rest tell of no failure. The plugin sends the issue's
fields and its newest event, in older versions with `sentry.interfaces.…`, and only when something
fails. A failure is an issue, or the incident of a metric alert; the component is the project's
slug, which an event alert says only in its address.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    labels_of,
    list_of,
    mapping_of,
    picked,
    severity_from,
    severity_of,
    text_of,
)

_SCALE = {
    "fatal": Severity.CRITICAL,
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "info": Severity.INFO,
    "debug": Severity.INFO,
    "sample": Severity.INFO,
}
_ISSUE_STATES = {
    "created": SignalState.FIRING,
    "unresolved": SignalState.FIRING,
    "triggered": SignalState.FIRING,
    "resolved": SignalState.RESOLVED,
}
_METRIC_STATES = {
    "critical": SignalState.FIRING,
    "warning": SignalState.FIRING,
    "open": SignalState.FIRING,
    "resolved": SignalState.RESOLVED,
}
_RESOURCES = ("issue", "event", "error", "metric_alert")
_PROJECT = re.compile(r"/projects/[^/]+/([^/?#]+)")
_ISSUE = re.compile(r"/issues/(\d+)")


def read(message: Message) -> Understood:
    """Read a message. Raises NotUnderstood when it is of neither of Sentry's senders."""
    body = mapping_of(message.json())
    data = mapping_of(body.get("data"))
    if text_of(body.get("action")) or any(name in data for name in _RESOURCES):
        # An event is told by alerts, and an issue's status says what has become of it.
        return _of_the_platform(message, first_of(body, "action").lower() or "triggered", data)
    if isinstance(body.get("event"), dict) or ("project" in body and "message" in body):
        return Understood([_event_signal(message, body, mapping_of(body.get("event")))])
    raise NotUnderstood("a Sentry webhook has `action` and `data`, or an `event` with its project")


def _of_the_platform(message: Message, action: str, data: Mapping[str, Any]) -> Understood:
    issue, alert = mapping_of(data.get("issue")), mapping_of(data.get("metric_alert"))
    event = mapping_of(data.get("event")) or mapping_of(data.get("error"))
    if alert and action in _METRIC_STATES:
        return Understood([_metric_signal(message, action, alert, data)])
    if event and action in ("triggered", "created"):
        return Understood([_event_signal(message, data, event)])
    if issue and action in _ISSUE_STATES and (signal := _issue_signal(message, action, issue)):
        return Understood([signal])
    about = next(iter(data), "nothing")
    return Understood(remarks=[f"{action[:200]!r} of {about[:200]} tells of no failure"])


def _issue_signal(message: Message, action: str, issue: Mapping[str, Any]) -> Signal | None:
    state = _ISSUE_STATES[action]
    if action == "triggered":
        # An alert on an issue's activity, of which the issue's status says what it means.
        status = first_of(issue, "status").lower()
        if status in ("ignored", "archived", "muted"):
            return None
        state = SignalState.RESOLVED if status == "resolved" else state
    first, last = any_time_of(issue.get("firstSeen")), any_time_of(issue.get("lastSeen"))
    told_at = any_time_of(message.headers.get("sentry-hook-timestamp"))
    project = mapping_of(issue.get("project"))
    details = mapping_of(issue.get("metadata"))
    return a_signal(
        message,
        fingerprint=first_of(issue, "id") or digest(first_of(issue, "title", "culprit")),
        component=first_of(project, "slug", "name", "id") or _slug(issue),
        summary=first_of(issue, "title") or first_of(details, "title", "value"),
        description=first_of(issue, "culprit"),
        state=state,
        severity=severity_from(_SCALE, issue.get("level")),
        # An issue that is back fails again since it was last seen, not since it was first.
        started_at=(last or first) if action == "unresolved" else (first or last),
        ended_at=told_at,
        told_at=first_of(issue, "lastSeen", "firstSeen"),
        labels=picked(issue, "shortId", "culprit", "platform", "substatus", "count", "userCount"),
        links=(("issue", issue.get("web_url") or issue.get("permalink")),),
    )


def _event_signal(message: Message, about: Mapping[str, Any], event: Mapping[str, Any]) -> Signal:
    """Make a signal of an event, with the rule or the plugin's issue that it is told of."""
    tags = _tags(event)
    details = mapping_of(event.get("metadata"))
    title = first_of(about, "message") or first_of(event, "title", "message")
    summary = title or first_of(details, "title", "value")
    component = first_of(about, "project_slug", "project", "project_name") or _slug(event)
    culprit = first_of(about, "culprit") or first_of(event, "culprit", "transaction")
    return a_signal(
        message,
        fingerprint=first_of(about, "id") or _issue_id(event) or digest(component, summary),
        component=component or first_of(event, "project") or tags.get("server_name") or culprit,
        summary=summary,
        description=culprit,
        state=SignalState.FIRING,
        severity=severity_from(
            _SCALE, first_of(about, "level") or first_of(event, "level") or tags.get("level")
        ),
        started_at=_time(event, "datetime", "timestamp", "dateCreated", "received"),
        told_at=first_of(event, "event_id", "id"),
        labels=tags
        | picked(event, "environment", "release", "platform", "location", "transaction")
        | picked(about, "culprit", "triggered_rule"),
        links=(("event", event.get("web_url")), ("issue", about.get("url"))),
    )


def _metric_signal(
    message: Message, action: str, alert: Mapping[str, Any], data: Mapping[str, Any]
) -> Signal:
    rule = mapping_of(alert.get("alert_rule"))
    projects = [*list_of(alert.get("projects")), *list_of(rule.get("projects"))]
    state = _METRIC_STATES[action]
    name = first_of(rule, "name") or first_of(alert, "title")
    return a_signal(
        message,
        fingerprint=f"metric_alert/{first_of(alert, 'id', 'identifier') or digest(name)}",
        component=next(filter(None, map(text_of, projects)), "") or name,
        summary=first_of(data, "description_title") or first_of(alert, "title") or name,
        description=first_of(data, "description_text"),
        state=state,
        severity=severity_of(action),
        started_at=_time(alert, "date_started", "date_detected", "date_created"),
        ended_at=_time(alert, "date_closed"),
        told_at=f"{action} {first_of(alert, 'date_closed', 'date_started', 'date_created')}",
        labels=picked(rule, "name", "environment", "query", "aggregate"),
        links=(("alert", data.get("web_url")),),
    )


def _tags(event: Mapping[str, Any]) -> dict[str, str]:
    given = event.get("tags")
    if not isinstance(given, list):
        return labels_of(given)
    pairs = [pair for pair in given if isinstance(pair, list) and len(pair) == 2]
    return {text_of(name, 200): text_of(value, 2000) for name, value in pairs}


def _time(fields: Mapping[str, Any], *names: str) -> datetime | None:
    return any_time_of(*(fields.get(name) for name in names))


def _issue_id(event: Mapping[str, Any]) -> str:
    """Give the id of the issue that an event belongs to."""
    said = (_ISSUE.search(first_of(event, name)) for name in ("issue_url", "web_url"))
    found = next(filter(None, said), None)
    return first_of(event, "issue_id", "groupID") or (found.group(1) if found else "")


def _slug(fields: Mapping[str, Any]) -> str:
    for name in ("url", "project_url"):
        if found := _PROJECT.search(text_of(fields.get(name))):
            return found.group(1)
    return ""


KIND = Kind(
    name="sentry",
    title="Sentry",
    expects="An internal integration with this address as its webhook URL, for issues and as an "
    "action of alerts; or the legacy plugin WebHooks.",
    documentation="https://docs.sentry.io/organization/integrations/integration-platform/webhooks/",
    read=read,
)
