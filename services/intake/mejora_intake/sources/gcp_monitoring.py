"""Google Cloud Monitoring's webhook and Pub/Sub notifications, versions 1.0 to 1.2.

Source: cloud.google.com, Cloud Monitoring, "Create and manage notification channels" (schema of
webhook and Pub/Sub notifications). An incident has one `incident_id` while it is open and when it
is closed; its times are seconds since 1970, 0 for none. Version `test` is the console's test.
Severity is that of the policy: Critical, Error, Warning or none. By Pub/Sub the notification comes
in base64 as `message.data`.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    first_of,
    mapping_of,
    picked,
    severity_from,
    text_of,
    unix_time_of,
)

_SEVERITIES = {"no severity": Severity.UNKNOWN}
_THINGS = (
    *("service", "component", "app", "service_name", "instance_name", "database_id", "job_name"),
    *("function_name", "container_name", "pod_name", "cluster_name", "host", "instance_id"),
    "check_id",
)
"""Labels that name a thing, where the incident has no name for it."""


def read(message: Message) -> Understood:
    """Read an incident; raises NotUnderstood when there is none."""
    body = _out_of_pubsub(mapping_of(message.json()))
    incident = body.get("incident")
    if not isinstance(incident, dict):
        raise NotUnderstood("a notification of Cloud Monitoring has an object `incident`")
    if text_of(body.get("version")).lower() == "test":
        return Understood(remarks=["a test of the notification channel"])
    state = text_of(incident.get("state")).lower()
    if state == "acknowledged":
        return Understood(remarks=["an incident was acknowledged"])
    metric, resource = mapping_of(incident.get("metric")), mapping_of(incident.get("resource"))
    metadata = mapping_of(incident.get("metadata"))
    words = mapping_of(incident.get("policy_user_labels"))
    marks = mapping_of(metadata.get("user_labels"))
    of_system = mapping_of(metadata.get("system_labels"))
    where = mapping_of(resource.get("labels"))
    said = (
        first_of(incident, "severity")
        or first_of(words, "severity")
        or first_of(marks, "severity")
        or first_of(of_system, "severity")
    )
    documentation = incident.get("documentation")
    signal = a_signal(
        message,
        fingerprint=first_of(incident, "incident_id")
        or digest(*(first_of(incident, name) for name in ("policy_name", "resource_id"))),
        component=_component(incident, words, marks, where),
        summary=first_of(incident, "summary", "condition_name", "policy_name"),
        description=first_of(mapping_of(documentation), "content", "subject")
        or (documentation if isinstance(documentation, str) else ""),
        state=SignalState.RESOLVED if state in ("closed", "resolved") else SignalState.FIRING,
        severity=severity_from(_SEVERITIES, said),
        started_at=unix_time_of(incident.get("started_at")),
        ended_at=unix_time_of(incident.get("ended_at")),
        labels=picked(where, *map(str, where))
        | picked(marks, *map(str, marks))
        | picked(words, *map(str, words))
        | picked(metric, "type")
        | picked(incident, "policy_name", "condition_name", "scoping_project_id"),
        links=(("incident", incident.get("url")),),
        body=body,
    )
    return Understood([signal])


def _component(incident: Mapping[str, Any], *labels: Mapping[str, Any]) -> str:
    """Name the resource that fails; `resource_name` may be a path, or a sentence with labels."""
    words, marks, where = labels
    name = first_of(incident, "resource_name")
    return (
        first_of(words, "service", "component", "app", "application")
        or first_of(incident, "resource_display_name")
        or (name if name and " " not in name and "/" not in name else "")
        or first_of(marks, *_THINGS)
        or first_of(where, *_THINGS)
        or first_of(incident, "resource_id")
        or (name.rpartition("/")[2] if name.startswith("projects/") else name)
        or first_of(incident, "policy_name", "condition_name")
    )


def _out_of_pubsub(body: Mapping[str, Any]) -> Mapping[str, Any]:
    packed = mapping_of(body.get("message")).get("data")
    if not isinstance(packed, str):
        return body
    try:
        return mapping_of(orjson.loads(base64.b64decode(packed, validate=True)))
    except (ValueError, binascii.Error):
        return body


KIND = Kind(
    name="gcp_monitoring",
    title="Google Cloud Monitoring",
    expects="A notification channel of type webhook, or a Pub/Sub topic with a push subscription, "
    "to this address; each notification is an incident that opened or closed.",
    documentation="https://cloud.google.com/monitoring/support/notification-options#webhooks",
    read=read,
)
