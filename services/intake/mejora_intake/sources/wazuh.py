"""Wazuh's alerts, as its integrator passes them on.

Source: documentation.wazuh.com, "Integration with external APIs" and "Rules classification". A
rule's level is 0 to 15; Wazuh calls up to 6 low, up to 11 medium, up to 14 high and 15 critical. An
alert has no end, but a vulnerability has, once it is solved. An integration's own script may send
`severity`, `message`, `description` and `created_at` in the alert's place.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from math import inf
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    mapping_of,
    picked,
    severity_of,
    tags_of,
    text_of,
)

_LEVELS = (
    (15, Severity.CRITICAL),
    (12, Severity.ERROR),
    (7, Severity.WARNING),
    (0, Severity.INFO),
)
_MOST_HARMLESS = 3
"""Up to here a rule is ignored (0), of the system and without meaning for security (2), or tells
of what succeeded or was authorised (3)."""


def read(message: Message) -> Understood:
    """Read one alert; raises NotUnderstood when it is none."""
    body = mapping_of(message.json())
    alert = mapping_of(body.get("_source")) or mapping_of(body.get("all_fields")) or body
    if isinstance(alert.get("rule"), dict):
        if _number(alert["rule"].get("level")) <= _MOST_HARMLESS:
            said = first_of(alert["rule"], "description")
            return Understood(remarks=[f"a rule of a level that tells of no failure: {said[:200]}"])
        return Understood([_signal(message, alert, alert["rule"])])
    if "severity" in alert and ("message" in alert or "description" in alert):
        return Understood([_told_by_a_script(message, alert)])
    raise NotUnderstood("an alert of Wazuh has `rule` with `level` and `description`")


def _signal(message: Message, alert: Mapping[str, Any], rule: Mapping[str, Any]) -> Signal:
    data = mapping_of(alert.get("data"))
    weakness = mapping_of(data.get("vulnerability"))
    over = text_of(weakness.get("status")).lower() in ("solved", "resolved")
    host = first_of(mapping_of(alert.get("agent")), "name") or first_of(
        mapping_of(alert.get("predecoder")), "hostname"
    )
    at = _time_of(alert.get("timestamp")) or _time_of(alert.get("@timestamp"))
    what = (
        (first_of(weakness, "cve"), first_of(mapping_of(weakness.get("package")), "name"))
        if weakness
        else (first_of(rule, "id") or first_of(rule, "description"),)
    )
    groups = tags_of(rule.get("groups"))
    return a_signal(
        message,
        fingerprint=digest(host, *what),
        component=host or first_of(mapping_of(alert.get("manager")), "name") or "Wazuh",
        summary=first_of(rule, "description") or "an alert of Wazuh",
        description=first_of(alert, "full_log"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=_severity_of(rule.get("level")),
        started_at=None if over else at,
        ended_at=at if over else None,
        told_at=alert.get("id"),
        labels=picked(mapping_of(alert.get("agent")), "id", "ip")
        | picked(alert, "location")
        | ({"groups": groups} if groups else {})
        | {f"rule_{name}": text for name, text in picked(rule, "id", "level").items()},
    )


def _number(level: object) -> float:
    """Give a level; one that is no number is a word, and above all of them."""
    try:
        return float(text_of(level))
    except ValueError:
        return inf


def _severity_of(level: object) -> Severity:
    number = _number(level)
    if number == inf:
        return severity_of(level)
    return next((severity for least, severity in _LEVELS if number >= least), Severity.UNKNOWN)


def _time_of(value: object) -> datetime | None:
    """Read a time; scripts write its offset with a point as well: `+01.00`."""
    return any_time_of(re.sub(r"([+-]\d\d)\.(\d\d)$", r"\1:\2", text_of(value)))


def _told_by_a_script(message: Message, alert: Mapping[str, Any]) -> Signal:
    description = first_of(alert, "description")
    told = dict(re.findall(r"^(Rule ID|Agent ID|Agent Name|Level) +(\S.*?)\s*$", description, re.M))
    summary = first_of(alert, "message") or description.partition("\n")[0]
    host = first_of(alert, "agent", "host") or told.get("Agent Name", "")
    return a_signal(
        message,
        fingerprint=digest(host, told.get("Rule ID") or summary),
        component=host or summary,
        summary=summary,
        description=description,
        state=SignalState.FIRING,
        severity=severity_of(alert["severity"]),
        started_at=_time_of(alert.get("created_at")),
        labels=told,
    )


KIND = Kind(
    name="wazuh",
    title="Wazuh",
    expects="A custom integration of the manager that posts its alerts to this address.",
    documentation="https://documentation.wazuh.com/current/user-manual/manager/"
    "integration-with-external-apis.html",
    read=read,
)
