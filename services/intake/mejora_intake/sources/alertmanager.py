"""Alertmanager's webhook, version 4; the older versions 0 to 3 carry the same fields or fewer.

Source: prometheus.io, Alertmanager configuration, `<webhook_config>`. An alert is identified by
its labels, of which `fingerprint` is Alertmanager's own hash; `endsAt` of year 1 means that it has
not ended. Alertmanager repeats a notification until it is answered, and at `repeat_interval`: the
same alert with the same `startsAt` and status is the same message.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mejora_events.contracts.base import Link
from mejora_events.ids import new_id
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.reading import (
    NotUnderstood,
    Understood,
    digest,
    first_of,
    labels_of,
    severity_of,
    text_of,
    time_of,
)

COMPONENT_LABELS = (
    "component",
    "service",
    "app",
    "application",
    "deployment",
    "statefulset",
    "daemonset",
    "instance",
    "host",
    "node",
    "job",
)
"""Which label names what failed: the most specific name of a thing in a catalogue first."""


def read(body: Any, source: str, received_at: datetime) -> Understood:
    """Read a group of alerts; one that is no alert is remarked on and loses no other.

    Raises NotUnderstood when there is no list of alerts at all.
    """
    alerts = body.get("alerts") if isinstance(body, Mapping) else None
    if not isinstance(alerts, list):
        raise NotUnderstood("an Alertmanager webhook is an object with a list `alerts`")
    group = {name: value for name, value in body.items() if name != "alerts"}
    understood = Understood()
    for place, alert in enumerate(alerts):
        if isinstance(alert, Mapping):
            understood.signals.append(_signal(alert, group, source, received_at))
        else:
            understood.remarks.append(f"alerts.{place} is no object and was left out")
    return understood


def _signal(
    alert: Mapping[str, Any], group: Mapping[str, Any], source: str, received_at: datetime
) -> Signal:
    labels = labels_of(group.get("commonLabels")) | labels_of(alert.get("labels"))
    notes = labels_of(group.get("commonAnnotations")) | labels_of(alert.get("annotations"))
    state = _state(alert, group, received_at)
    started_at = time_of(alert.get("startsAt"))
    fingerprint = text_of(alert.get("fingerprint")) or digest(
        *(f"{name}={value}" for name, value in sorted(labels_of(alert.get("labels")).items()))
    )
    # Without a start, two messages about the same failure cannot be told from one sent twice.
    told = alert.get("startsAt") if started_at else str(new_id())
    name = labels.get("alertname", "")
    return Signal(
        source=source,
        id=f"{fingerprint}:{state.value}:{told}",
        fingerprint=fingerprint,
        component=first_of(labels, *COMPONENT_LABELS) or name or "unknown",
        summary=first_of(notes, "summary", "title", "message") or name or "an alert without a name",
        description=first_of(notes, "description", "message"),
        state=state,
        severity=severity_of(labels.get("severity") or notes.get("severity")),
        started_at=started_at or received_at,
        ended_at=time_of(alert.get("endsAt")) if state is SignalState.RESOLVED else None,
        labels=labels,
        links=_links(alert, group, notes),
        body={"alert": alert, "group": group},
    )


def _state(
    alert: Mapping[str, Any], group: Mapping[str, Any], received_at: datetime
) -> SignalState:
    said = text_of(alert.get("status"))
    if not said:
        ended_at = time_of(alert.get("endsAt"))
        if ended_at is not None and ended_at <= received_at:
            return SignalState.RESOLVED
        said = text_of(group.get("status"))
    return SignalState.RESOLVED if said.lower() == "resolved" else SignalState.FIRING


def _links(
    alert: Mapping[str, Any], group: Mapping[str, Any], notes: Mapping[str, str]
) -> tuple[Link, ...]:
    told = (
        ("graph", text_of(alert.get("generatorURL"))),
        ("dashboard", notes.get("dashboard_url") or notes.get("dashboard") or ""),
        ("runbook", notes.get("runbook_url") or notes.get("runbook") or ""),
        ("Alertmanager", text_of(group.get("externalURL"))),
    )
    return tuple(
        Link(href=href, text=text)
        for text, href in told
        if href.startswith(("http://", "https://"))
    )
