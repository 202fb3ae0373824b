"""Thinkst Canary's generic webhook: an incident at a canary or with a canarytoken.

Source: help.canary.tools, generic webhook notifications. `IncidentHash` names the incident; a
canary has `CanaryName`, a token the `Reminder` that its owner wrote. It knows no severity, and
tells of an end only where a canary is connected again. A test is an incident described as dummy.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    list_of,
    picked,
    text_of,
)


def read(message: Message) -> Understood:
    """Read an incident. Raises NotUnderstood when it is none."""
    body = fields_of(message)
    kind, what = first_of(body, "AlertType"), first_of(body, "Description")
    if not (kind or first_of(body, "IncidentHash")):
        raise NotUnderstood("a Thinkst webhook has `AlertType` and `IncidentHash`")
    if "dummy" in what.lower():
        return Understood(remarks=[f"a test of the webhook: {what[:200]}"])
    if kind and not kind.endswith(("Incident", "Disconnected", "Reconnected")):
        return Understood(remarks=[f"{kind[:100]}, which tells of no incident: {what[:200]}"])
    return Understood([_signal(message, body, f"{kind} {what}".lower())])


def _signal(message: Message, body: Mapping[str, Any], told: str) -> Signal:
    name = first_of(body, "CanaryName", "Reminder", "CanaryID", "Token", "CanaryIP")
    state = SignalState.RESOLVED if "reconnected" in told else SignalState.FIRING
    if "connected" in told:
        fingerprint = f"connection:{first_of(body, 'CanaryID') or digest(name)}"
    else:
        fingerprint = first_of(body, "IncidentHash") or digest(name, told)
    at = any_time_of(body.get("Timestamp"))
    details = {
        text_of(detail[0], 200): detail[1]
        for detail in list_of(body.get("AdditionalDetails"))
        if isinstance(detail, list) and len(detail) == 2
    }
    return a_signal(
        message,
        fingerprint=fingerprint,
        component=name,
        summary=": ".join(filter(None, (name, first_of(body, "Description", "AlertType")))),
        description=first_of(body, "Intro"),
        state=state,
        started_at=at if state is SignalState.FIRING else None,
        ended_at=at,
        told_at="/".join(filter(None, (first_of(body, "Timestamp"), first_of(body, "Triggered")))),
        labels=picked(
            body, "CanaryID", "CanaryIP", "CanaryLocation", "CanaryPort", "SourceIP", "ReverseDNS"
        )
        | picked(details, *details),
        body=body,
    )


KIND = Kind(
    name="thinkst",
    title="Thinkst Canary",
    expects="A generic webhook in the console's notification settings with this address.",
    documentation="https://help.canary.tools/hc/en-gb/articles/360002426577",
    read=read,
)
