"""UptimeRobot's web-hook alert contact: the documented variables, as a form or as JSON.

Source: uptimerobot.com, alert contacts, web-hook. The variables are `monitorID`, `monitorURL`,
`monitorFriendlyName`, `alertType` (1 down, 2 up, 3 SSL expiry), `alertTypeFriendlyName`,
`alertDetails`, `alertDuration` (seconds, of an alert that is over), `alertDateTime` (seconds since
1970) and others. In the customer's own JSON the names are the customer's: they are read in any
case, with or without underscores, and by the plain words that people use for them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    host_of,
    picked,
    with_plain_names,
)

_TYPES = {"1": "down", "2": "up", "3": "ssl expiry"}
_NAMES = ("monitorfriendlyname", "monitorname", "friendlyname", "monitor", "name")
_TIMES = ("alertdatetime", "datetime", "timestamp", "time", "date")
_EXPIRIES = ("ssl", "certificate", "domain", "expir")


def read(message: Message) -> Understood:
    """Read an alert. Raises NotUnderstood when it says neither its type nor its monitor."""
    body = fields_of(message)
    alert = with_plain_names(body)
    number = first_of(alert, "alerttype")
    named = first_of(alert, "alerttypefriendlyname", "status", "state", "alert", "event")
    kind = (_TYPES.get(number) or named or number).lower()
    if not kind:
        raise NotUnderstood("an UptimeRobot alert has `alertType` or `alertTypeFriendlyName`")
    if "up" in kind.split():
        return Understood([_signal(message, alert, body, SignalState.RESOLVED)])
    if "down" in kind.split():
        return Understood([_signal(message, alert, body, SignalState.FIRING)])
    if any(word in kind for word in _EXPIRIES):
        return Understood([_signal(message, alert, body, SignalState.FIRING, expiry=True)])
    return Understood(remarks=[f"an alert of the type {kind[:200]!r}, which tells of no failure"])


def _signal(
    message: Message,
    alert: Mapping[str, Any],
    body: object,
    state: SignalState,
    *,
    expiry: bool = False,
) -> Signal:
    address = first_of(alert, "monitorurl", "url")
    name = first_of(alert, *_NAMES) or host_of(address)
    monitor = first_of(alert, "monitorid") or digest(name, address)
    at = any_time_of(*map(alert.get, _TIMES))
    firing = state is SignalState.FIRING
    details = first_of(alert, "alertdetails", "details", "reason")
    verb = "is up again" if not firing else "has something that expires" if expiry else "is down"
    return a_signal(
        message,
        fingerprint=f"{monitor}:expiry" if expiry else monitor,
        component=name,
        summary=f"{name} {verb}" + (f": {details}" if details else ""),
        state=state,
        severity=Severity.WARNING if expiry else Severity.UNKNOWN,
        started_at=at if firing or at is None else _before(at, alert.get("alertduration")),
        ended_at=at,
        labels=picked(
            alert, "monitorid", "monitorurl", "sslexpirydate", "sslexpirydaysleft", "monitortags"
        ),
        links=(("monitored", address), ("UptimeRobot", alert.get("dashboardurl"))),
        body=body,
    )


def _before(at: datetime, seconds: object) -> datetime | None:
    try:
        return at - timedelta(seconds=float(str(seconds)))
    except (ValueError, OverflowError):
        return None


KIND = Kind(
    name="uptimerobot",
    title="UptimeRobot",
    expects="An alert contact of the type Web-Hook with this address as the URL to notify; the "
    "default variables sent as POST parameters, or JSON with the variables under their own names.",
    documentation="https://help.uptimerobot.com/en/articles/11360873-how-to-set-up-webhook-notifications",
    read=read,
)
