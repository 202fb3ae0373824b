"""Alertmanager's webhook, version 4; the older versions 0 to 3 carry the same fields or fewer.

Source: prometheus.io, Alertmanager configuration, `<webhook_config>`. An alert is identified by
its labels, of which `fingerprint` is Alertmanager's own hash; `endsAt` of year 1 means that it has
not ended. Alertmanager repeats a notification until it is answered, and at `repeat_interval`: the
same alert with the same `startsAt` and status is the same message. Before version 1.0 the list was
called `alert`, with the start and the address of the graph in `payload`.

An alert that is posted alone, without its group, is read as well. `alert_signal` is what all
senders of Prometheus' alerts share: this webhook, Alertmanager's API and Grafana.
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
    mapping_of,
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
    "workload",
    "container",
    "pod",
    "persistentvolumeclaim",
    "instance",
    "host",
    "node",
    "job",
)
"""Which label names what failed: the most specific name of a thing in a catalogue first."""


def read(message: Message) -> Understood:
    """Read a group of alerts; one that is no alert is remarked on and loses no other.

    Raises NotUnderstood when there is no list of alerts and it is no alert itself.
    """
    body = mapping_of(message.json())
    for name in ("alerts", "alert"):
        if isinstance(body.get(name), list):
            return understood_of(message, body, name)
    if not (isinstance(body.get("labels"), dict) and body["labels"]):
        raise NotUnderstood("an Alertmanager webhook is an object with a list `alerts`")
    return Understood([alert_signal(message, body, {})])


def understood_of(message: Message, group: Mapping[str, Any], name: str = "alerts") -> Understood:
    """Read the alerts that a group holds under a name."""
    shared = {key: value for key, value in group.items() if key != name}
    understood = Understood()
    for place, alert in enumerate(group[name]):
        if isinstance(alert, dict):
            understood.signals.append(alert_signal(message, alert, shared))
        else:
            understood.remarks.append(f"{name}.{place} is no object and was left out")
    if not group[name]:
        understood.remarks.append("a group without alerts")
    return understood


def alert_signal(message: Message, alert: Mapping[str, Any], group: Mapping[str, Any]) -> Signal:
    """Make a signal of an alert and what its group says for all of its alerts."""
    own = labels_of(alert.get("labels"))
    labels = labels_of(group.get("commonLabels")) | own
    notes = labels_of(group.get("commonAnnotations")) | labels_of(alert.get("annotations"))
    old = mapping_of(alert.get("payload"))
    # Grafana calls an alert about a rule without data by a name of its own, the rule in a label.
    name = labels.get("rulename") or labels.get("alertname", "")
    started = alert.get("startsAt") or old.get("activeSince")
    started_at = time_of(started)
    summary = first_of(notes, "summary", "title", "message") or first_of(alert, "summary") or name
    state = _state(alert, group, message.received_at)
    return a_signal(
        message,
        fingerprint=text_of(alert.get("fingerprint")) or _fingerprint(own, summary),
        component=first_of(labels, *COMPONENT_LABELS) or name,
        summary=summary,
        description=first_of(notes, "description", "message") or first_of(alert, "description"),
        state=state,
        severity=severity_of(
            first_of(labels, "severity", "priority", "level") or notes.get("severity")
        ),
        started_at=started_at,
        ended_at=time_of(alert.get("endsAt")) if state is SignalState.RESOLVED else None,
        told_at=started_at and started,
        labels=labels,
        links=(
            ("graph", alert.get("generatorURL") or old.get("generatorURL")),
            (
                "dashboard",
                alert.get("dashboardURL") or first_of(notes, "dashboard_url", "dashboard"),
            ),
            ("panel", alert.get("panelURL")),
            ("runbook", first_of(notes, "runbook_url", "runbook")),
            ("silence", alert.get("silenceURL")),
            ("Alertmanager", group.get("externalURL")),
        ),
        body={"alert": alert, "group": group},
    )


def _fingerprint(labels: Mapping[str, str], summary: str) -> str:
    """Identify an alert by its labels, and by its text when they do not name it."""
    named = () if labels.get("alertname") else (summary,)
    return digest(*(f"{name}={value}" for name, value in sorted(labels.items())), *named)


def _state(
    alert: Mapping[str, Any], group: Mapping[str, Any], received_at: datetime
) -> SignalState:
    said = alert.get("status")
    # Alertmanager's API says in `status` whether an alert is silenced, not whether it has ended.
    if not isinstance(said, str) or not said:
        ended_at = time_of(alert.get("endsAt"))
        if ended_at is not None and ended_at <= received_at:
            return SignalState.RESOLVED
        said = text_of(group.get("status"))
    return SignalState.RESOLVED if said.strip().lower() == "resolved" else SignalState.FIRING


KIND = Kind(
    name="alertmanager",
    title="Prometheus Alertmanager",
    expects="A receiver with `webhook_configs` that has this address as `url`; each notification "
    "is a group of alerts, firing and resolved.",
    documentation="https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
    read=read,
)
