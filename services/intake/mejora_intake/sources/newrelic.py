"""New Relic's webhooks: issues by workflows, incidents by notification channels, and APM's alerts.

Source: docs.newrelic.com, alerts, webhook destinations and their payload template; notification
channels, webhook payload. A workflow tells of an issue: `id`, `title`, `priority`, `state`
(`CREATED`, `ACTIVATED`, `ACKNOWLEDGED`, `DEACTIVATED`, `CLOSED`), `impactedEntities`, `createdAt`
and others. A channel told of an incident: `incident_id`, `condition_name`, `current_state` (`open`,
`acknowledged`, `closed`), `severity`, `targets`, `timestamp` and, once it is closed, the
`duration` in milliseconds; the `event_type` of its test is `NOTIFICATION`. Before that, APM posted
an `alert` or a `deployment` as JSON within a form, where the short description says what has
become of it.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    decoded,
    digest,
    fields_of,
    first_of,
    labels_of,
    mapping_of,
    picked,
    severity_from,
    text_of,
)

_STATES = {
    "open": SignalState.FIRING,
    "opened": SignalState.FIRING,
    "created": SignalState.FIRING,
    "activated": SignalState.FIRING,
    "active": SignalState.FIRING,
    "incident_open": SignalState.FIRING,
    "closed": SignalState.RESOLVED,
    "deactivated": SignalState.RESOLVED,
    "incident_close": SignalState.RESOLVED,
    "resolved": SignalState.RESOLVED,
    "incident_resolved": SignalState.RESOLVED,
}
_SCALE = {
    "critical": Severity.CRITICAL,
    "high": Severity.ERROR,
    "medium": Severity.WARNING,
    "warning": Severity.WARNING,
    "low": Severity.INFO,
    "info": Severity.INFO,
}
_SAYS = ("current_state", "state", "issueState", "status")
_FIELDS = (*_SAYS[:3], "incident_id", "issueId", "condition_name", "issueUrl")
_UNFILLED = re.compile(r"\$[A-Z][A-Z_]*|\{\{[^{}]*\}\}")
_OVER = re.compile(r"\b(ended|closed|recovered)\b")
_MOST_MILLISECONDS = 10 * 365 * 24 * 3600 * 1000
"""More than that is no duration but a time, as in a channel's test."""


def read(message: Message) -> Understood:
    """Read a notification. Raises NotUnderstood when it is of none of the three senders."""
    fields = _opened(fields_of(message))
    if "deployment" in fields:
        return Understood(remarks=["a deployment, which tells of no failure"])
    if alert := mapping_of(decoded(fields.get("alert"))):
        return _of_apm(message, alert)
    event = first_of(fields, "event_type").lower()
    if not first_of(fields, *_FIELDS) and event not in _STATES:
        raise NotUnderstood("a New Relic notification has a `state` or a `current_state`")
    if event == "notification" or fields.get("isTest") in (True, "true"):
        return Understood(remarks=["a test of the notification channel"])
    said = first_of(fields, *_SAYS).lower() or event
    state = _STATES.get(said)
    if state is None:
        return Understood(remarks=[f"an incident in the state {said[:200]!r}, which is no failure"])
    return Understood([_signal(message, fields, state)])


def _opened(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the fields, or those within a `payload`, without variables that were not filled in."""
    if not first_of(fields, *_FIELDS):
        fields = mapping_of(decoded(fields.get("payload"))) or fields
    return {name: value for name, value in fields.items() if not _is_unfilled(value)}


def _is_unfilled(value: object) -> bool:
    return isinstance(value, str) and _UNFILLED.fullmatch(value.strip()) is not None


def _first(value: object) -> str:
    """Give a text, or the first of a list of texts or of things with a name."""
    held = decoded(value)
    things = held if isinstance(held, list) else [held]
    names = (first_of(one, "name") if isinstance(one, dict) else text_of(one) for one in things)
    return next(filter(None, names), "")


def _first_of(fields: Mapping[str, Any], *names: str) -> str:
    return next(filter(None, (_first(fields.get(name)) for name in names)), "")


def _signal(message: Message, fields: Mapping[str, Any], state: SignalState) -> Signal:
    condition = _first_of(fields, "condition_name", "alertConditionNames", "conditionName")
    policy = _first_of(fields, "policy_name", "alertPolicyNames", "policyName")
    entity = _entity(fields)
    started_at, ended_at = _times(fields, state)
    return a_signal(
        message,
        fingerprint=first_of(fields, "incident_id", "issueId", "issue_id", "id")
        or digest(policy, condition, entity),
        component=entity or condition or policy,
        summary=_first_of(fields, "title", "issueTitle", "details") or condition,
        description=first_of(fields, "details", "condition_description"),
        state=state,
        severity=severity_from(_SCALE, first_of(fields, "severity", "priority")),
        started_at=started_at,
        ended_at=ended_at,
        labels=_labels(fields)
        | picked({"condition": condition, "policy": policy}, "condition", "policy"),
        links=(
            ("incident", first_of(fields, "incident_url", "issueUrl", "issuePageUrl", "issue_url")),
            ("policy", fields.get("policy_url")),
            ("runbook", fields.get("runbook_url")),
        ),
        body=fields,
    )


def _entity(fields: Mapping[str, Any]) -> str:
    entities = mapping_of(fields.get("entitiesData"))
    return (
        _first_of(fields, "targets", "impactedEntities", "entityNames", "entityName")
        or _first(entities.get("names"))
        or _first(entities.get("entities"))
        or first_of(fields, "application_name")
    )


def _times(
    fields: Mapping[str, Any], state: SignalState
) -> tuple[datetime | None, datetime | None]:
    created_at = any_time_of(fields.get("createdAt"), fields.get("activatedAt"))
    at = any_time_of(fields.get("timestamp"))
    if state is SignalState.FIRING:
        return created_at or at, None
    ended_at = any_time_of(fields.get("closedAt"), fields.get("updatedAt")) or at
    lasted = fields.get("duration")
    if at and isinstance(lasted, int | float) and 0 < lasted < _MOST_MILLISECONDS:
        created_at = created_at or at - timedelta(milliseconds=lasted)
    return created_at, ended_at


def _labels(fields: Mapping[str, Any]) -> dict[str, str]:
    targets = decoded(fields.get("targets"))
    labels: dict[str, str] = {}
    for target in reversed(targets if isinstance(targets, list) else [targets]):
        labels |= labels_of(mapping_of(target).get("labels"))
    return labels | picked(fields, "account_name", "owner", "workflowName", "event_type", "trigger")


def _of_apm(message: Message, alert: Mapping[str, Any]) -> Understood:
    short = first_of(alert, "short_description", "message")
    words = f"{short} {first_of(alert, 'message')}".lower()
    if "acknowledged" in words:
        return Understood(remarks=["an alert that was acknowledged"])
    over = _OVER.search(words) is not None
    application = first_of(alert, "application_name", "key_transaction_name", "monitor_name")
    at = any_time_of(alert.get("created_at"))
    signal = a_signal(
        message,
        fingerprint=first_of(alert, "alert_url") or digest(application, short),
        component=application
        or _first(alert.get("servers"))
        or _first(alert.get("server_name"))
        or first_of(alert, "account_name"),
        summary=first_of(alert, "message", "short_description"),
        description=first_of(alert, "long_description"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=severity_from(_SCALE | {"downtime": Severity.CRITICAL}, alert.get("severity")),
        started_at=None if over else at,
        ended_at=at,
        labels=picked(alert, "account_name", "application_name", "severity"),
        links=(("alert", alert.get("alert_url")),),
        body={"alert": alert},
    )
    return Understood([signal])


KIND = Kind(
    name="newrelic",
    title="New Relic",
    expects="A workflow with a destination of the type webhook, this address and the default "
    "payload template; or a notification channel of the type webhook.",
    documentation="https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/"
    "#webhook",
    read=read,
)
