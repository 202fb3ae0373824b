"""Alertmanager's webhook, version 4; the older versions 0 to 3 carry the same fields or fewer.

Source: prometheus.io, Alertmanager configuration, `<webhook_config>`. An alert is identified by
its labels, of which `fingerprint` is Alertmanager's own hash; `endsAt` of year 1 means that it has
not ended. Alertmanager repeats a notification until it is answered, and at `repeat_interval`: the
same alert with the same `startsAt` and status is the same message.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
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


def read(message: Message) -> Understood:
    """Read a group of alerts; one that is no alert is remarked on and loses no other.

    Raises NotUnderstood when there is no list of alerts at all.
    """
    body = message.json()
    if not isinstance(body, dict) or not isinstance(body.get("alerts"), list):
        raise NotUnderstood("an Alertmanager webhook is an object with a list `alerts`")
    group = {name: value for name, value in body.items() if name != "alerts"}
    understood = Understood()
    for place, alert in enumerate(body["alerts"]):
        if isinstance(alert, dict):
            understood.signals.append(_signal(message, alert, group))
        else:
            understood.remarks.append(f"alerts.{place} is no object and was left out")
    return understood


def _signal(message: Message, alert: Mapping[str, Any], group: Mapping[str, Any]) -> Signal:
    labels = labels_of(group.get("commonLabels")) | labels_of(alert.get("labels"))
    notes = labels_of(group.get("commonAnnotations")) | labels_of(alert.get("annotations"))
    state = _state(alert, group, message.received_at)
    started_at = time_of(alert.get("startsAt"))
    fingerprint = text_of(alert.get("fingerprint")) or digest(
        *(f"{name}={value}" for name, value in sorted(labels_of(alert.get("labels")).items()))
    )
    name = labels.get("alertname", "")
    return a_signal(
        message,
        fingerprint=fingerprint,
        component=first_of(labels, *COMPONENT_LABELS) or name,
        summary=first_of(notes, "summary", "title", "message") or name,
        description=first_of(notes, "description", "message"),
        state=state,
        severity=severity_of(labels.get("severity") or notes.get("severity")),
        started_at=started_at,
        ended_at=time_of(alert.get("endsAt")),
        told_at=started_at and alert.get("startsAt"),
        labels=labels,
        links=(
            ("graph", alert.get("generatorURL")),
            ("dashboard", notes.get("dashboard_url") or notes.get("dashboard")),
            ("runbook", notes.get("runbook_url") or notes.get("runbook")),
            ("Alertmanager", group.get("externalURL")),
        ),
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


KIND = Kind(
    name="alertmanager",
    title="Prometheus Alertmanager",
    expects="A receiver with `webhook_configs` that has this address as `url`; each notification "
    "is a group of alerts, firing and resolved.",
    documentation="https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
    read=read,
)
