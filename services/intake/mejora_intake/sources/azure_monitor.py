"""Azure Monitor's webhooks: the common alert schema, and the ones before it.

Source: learn.microsoft.com, Azure Monitor, "Common alert schema", "Sample alert payloads", "Non-
common alert schema definitions" and "Configure a webhook to get activity log alerts". The common
schema says the same of every alert in `data.essentials`; before it, metric alerts (`context`),
activity log alerts (`context.activityLog`) and log search alerts (`AlertRuleName`) each had their
own shape. Severities are Sev0 (critical), Sev1 (error), Sev2 (warning), Sev3 (informational) and
Sev4 (verbose). Alerts on the activity log are always Sev4: of Service Health and Resource Health
the event's own level is taken. Their events are over when the service says so, not Azure Monitor.
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
    first_of,
    list_of,
    mapping_of,
    picked,
    severity_from,
    text_of,
    time_of,
)

SEVERITIES = {
    "sev0": Severity.CRITICAL,
    "0": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "sev1": Severity.ERROR,
    "1": Severity.ERROR,
    "sev2": Severity.WARNING,
    "2": Severity.WARNING,
    "sev3": Severity.INFO,
    "3": Severity.INFO,
    "sev4": Severity.INFO,
    "4": Severity.INFO,
    "verbose": Severity.INFO,
}
_LEVELS = {
    "1": Severity.CRITICAL,
    "2": Severity.ERROR,
    "3": Severity.WARNING,
    "4": Severity.INFO,
    "5": Severity.INFO,
}
"""An event's level by number, as Windows counts them."""
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_ENDED = ("resolved", "deactivated", "complete", "canceled", "rca")


def read(message: Message) -> Understood:
    """Read one alert; raises NotUnderstood when it has none of the schemas."""
    given = message.json()
    if any(first_of(mapping_of(one), "eventType") == _VALIDATION for one in list_of(given)):
        return Understood(remarks=["a subscription of Event Grid that asks to be validated"])
    body = mapping_of(given)
    data = mapping_of(body.get("data")) or body
    context = mapping_of(data.get("context"))
    if isinstance(data.get("essentials"), dict):
        return _common(message, data["essentials"], mapping_of(data.get("alertContext")), data)
    if isinstance(context.get("activityLog"), dict):
        return _event(message, context["activityLog"], {}, data)
    if context and "status" in data:
        return Understood([_metric(message, context, data)])
    if "AlertRuleName" in data:
        return Understood([_log_search(message, data)])
    if "BudgetName" in data:
        return Understood([_budget(message, data)])
    raise NotUnderstood(
        "an alert of Azure Monitor has `data.essentials`, `context` or `AlertRuleName`"
    )


def _common(
    message: Message,
    essentials: Mapping[str, Any],
    context: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Understood:
    service = text_of(essentials.get("monitoringService")).replace(" ", "")
    if service in ("ServiceHealth", "ResourceHealth"):
        # Where the service is only told by its number, its name stands beside.
        return _event(message, dict(context) | {"eventSource": service}, essentials, data)
    if _is_test(essentials):
        return Understood(remarks=["a test of an action group"])
    labels = mapping_of(context.get("labels"))
    budget = text_of(mapping_of(context.get("AlertData")).get("BudgetName"))
    metrics = list_of(mapping_of(context.get("condition")).get("allOf"))
    link = mapping_of(metrics[0]).get("linkToSearchResultsUI") if metrics else None
    rule = text_of(essentials.get("alertRule"))
    component = first_of(labels, *COMPONENT_LABELS) or budget or _target(essentials)
    signal = a_signal(
        message,
        fingerprint=first_of(essentials, "alertId", "originAlertId") or digest(rule, component),
        component=component or rule,
        summary=rule or first_of(essentials, "description"),
        description=first_of(essentials, "description"),
        state=_state(essentials.get("monitorCondition")),
        severity=severity_from(SEVERITIES, essentials.get("severity")),
        started_at=time_of(essentials.get("firedDateTime")),
        ended_at=time_of(essentials.get("resolvedDateTime")),
        labels=_labels(data, essentials) | picked(labels, *map(str, labels)),
        links=(
            ("investigation", essentials.get("investigationLink")),
            ("results", link or context.get("LinkToSearchResults")),
        ),
    )
    return Understood([signal])


def _is_test(essentials: Mapping[str, Any]) -> bool:
    """Tell an action group's test, which is of a rule and a subscription that nobody has."""
    rule, alert = first_of(essentials, "alertRule"), first_of(essentials, "alertId")
    return rule.startswith("test-") and "11111111-1111-1111-1111-111111111111" in alert


def _target(essentials: Mapping[str, Any]) -> str:
    """Give what an alert is about: the thing within the target, else the target itself."""
    things = (essentials.get("configurationItems"), essentials.get("alertTargetIDs"))
    names = (_last_part(one) for several in things for one in list_of(several))
    return next((name for name in names if name), "")


def _last_part(resource_id: object) -> str:
    return text_of(resource_id).rstrip("/").rpartition("/")[2]


def _state(said: object) -> SignalState:
    return SignalState.RESOLVED if text_of(said).lower() in _ENDED else SignalState.FIRING


def _labels(data: Mapping[str, Any], *more: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for own in ("properties", "customProperties"):
        fields = mapping_of(data.get(own))
        labels |= picked(fields, *map(str, fields))
    for fields in more:
        labels |= picked(fields, "monitoringService", "signalType", "alertRule", "severity")
        labels |= picked(fields, "resourceGroupName", "resourceType", "resourceRegion", "region")
    return labels


def _metric(message: Message, context: Mapping[str, Any], data: Mapping[str, Any]) -> Signal:
    """Read a metric alert as it was before the common schema."""
    state = _state(data.get("status"))
    at = time_of(context.get("timestamp"))
    name = text_of(context.get("name"))
    resource = first_of(context, "resourceId")
    return a_signal(
        message,
        fingerprint=digest(first_of(context, "id") or name, resource.lower()),
        component=first_of(context, "resourceName") or _last_part(resource) or name,
        summary=name,
        description=first_of(context, "description"),
        state=state,
        severity=severity_from(SEVERITIES, context.get("severity")),
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at if state is SignalState.RESOLVED else None,
        labels=_labels(data, context),
        links=(("portal", context.get("portalLink")),),
    )


def _event(
    message: Message,
    event: Mapping[str, Any],
    essentials: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Understood:
    """Read an event of the activity log: of Azure's own health, or what somebody did."""
    source = text_of(event.get("eventSource"))
    told = mapping_of(event.get("properties"))
    kind = text_of(told.get("incidentType")) or _kind_of(first_of(event, "operationName")) or source
    if source == "Recommendation" or (
        source == "ServiceHealth" and kind not in ("Incident", "Security", source)
    ):
        return Understood(remarks=[f"{kind[:100]}: Azure tells of no failure"])
    is_test = text_of(told.get("trackingId")) == "TEST-TTT"
    if is_test or text_of(told.get("IsSynthetic")).lower() == "true":
        return Understood(remarks=["a test of Azure's Service Health"])
    at = time_of(event.get("eventTimestamp")) or time_of(essentials.get("firedDateTime"))
    resource = first_of(event, "resourceId") or _target(essentials)
    works = text_of(told.get("currentHealthStatus")) == "Available"
    state = _state(told.get("stage") or event.get("status"))
    state = SignalState.RESOLVED if works else state
    firing = state is SignalState.FIRING
    operation = first_of(event, "operationName")
    component = first_of(told, "service", "compromisedEntity") or _last_part(resource)
    level = text_of(event.get("level"))
    signal = a_signal(
        message,
        fingerprint=first_of(told, "trackingId")
        or digest(source, operation if source != "ResourceHealth" else "", resource.lower()),
        component=component or operation,
        summary=first_of(told, "title", "message")
        or first_of(event, "description")
        or first_of(essentials, "alertRule")
        or operation,
        description=first_of(told, "communication", "details", "description"),
        state=state,
        severity=_LEVELS.get(level) or severity_from(SEVERITIES, level),
        started_at=time_of(told.get("impactStartTime")) or (at if firing else None),
        ended_at=None if firing else time_of(told.get("impactMitigationTime")) or at,
        told_at=first_of(told, "communicationId") or first_of(event, "eventDataId"),
        labels=_labels(data, essentials, event, told),
    )
    return Understood([signal])


def _kind_of(operation: str) -> str:
    """Give the kind that `Microsoft.ServiceHealth/incident/action` names."""
    found = re.fullmatch(r"Microsoft\.ServiceHealth/(\w+)/action", operation)
    return found[1].capitalize() if found else ""


def _log_search(message: Message, data: Mapping[str, Any]) -> Signal:
    """Read a log search alert as it was before the common schema; it has no end."""
    name = text_of(data["AlertRuleName"])
    pairs = [mapping_of(one) for one in list_of(data.get("Dimensions"))]
    dimensions = {text_of(one.get("name"), 200): text_of(one.get("value"), 2000) for one in pairs}
    items = [*list_of(data.get("AffectedConfigurationItems")), *dimensions.values()]
    component = next((text for item in items if (text := text_of(item))), "")
    return a_signal(
        message,
        fingerprint=digest(first_of(data, "SubscriptionId"), name, component),
        component=component or _last_part(data.get("ResourceId")) or name,
        summary=name,
        description=first_of(data, "Description", "SearchQuery"),
        state=SignalState.FIRING,
        severity=severity_from(SEVERITIES, data.get("Severity")),
        started_at=any_time_of(data.get("SearchIntervalEndtimeUtc")),
        labels=dimensions,
        links=(("results", data.get("LinkToSearchResults")),),
    )


def _budget(message: Message, data: Mapping[str, Any]) -> Signal:
    name = text_of(data["BudgetName"])
    spent, threshold = first_of(data, "SpendingAmount"), first_of(data, "Budget")
    return a_signal(
        message,
        fingerprint=digest(first_of(data, "SubscriptionId"), name),
        component=name,
        summary=f"{spent} of the budget of {threshold} {first_of(data, 'Unit')} is spent",
        state=SignalState.FIRING,
        labels=picked(data, "SubscriptionName", "ResourceGroup", "BudgetType"),
    )


KIND = Kind(
    name="azure_monitor",
    title="Azure Monitor",
    expects="An action group with a webhook to this address, best with the common alert schema.",
    documentation="https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema",
    read=read,
)
