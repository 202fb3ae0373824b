"""StatusCake's web hook: an uptime test that went down or up, or a notice on a page or certificate.

Source: statuscake.com, knowledge base, how to use the web hook URL. A form (or JSON) with `URL`,
`Token`, `Name`, `Status` (Up or Down), `StatusCode`, `IP`, `Tags` and others; it says no time. A
notice of a page-speed or SSL test has no such status: it tells that a threshold was passed. The
token is a secret of the account and is not kept.
"""

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    host_of,
    picked,
    tags_of,
    with_plain_names,
)

_STATES = {"up": SignalState.RESOLVED, "down": SignalState.FIRING}


def read(message: Message) -> Understood:
    """Read an alert. Raises NotUnderstood when it says neither a status nor what is wrong."""
    body = fields_of(message)
    alert = with_plain_names(body)
    address = first_of(alert, "url", "websiteurl", "domain")
    name = first_of(alert, "name", "testname") or host_of(address)
    status = first_of(alert, "status")
    why = first_of(alert, "statuscode", "message", "reason", "alert", "error")
    if not name or not (status or why):
        raise NotUnderstood("a StatusCake alert has `Name` or `URL`, and `Status`")
    state = _STATES.get(status.lower())
    number = first_of(alert, "testid", "id")
    about = number or digest(name, address)
    at = any_time_of(alert.get("time"), alert.get("date"), alert.get("triggeredat"))
    firing = state is not SignalState.RESOLVED
    labels = picked(alert, "statuscode", "ip", "method", "checkrate", "url")
    return Understood(
        [
            a_signal(
                message,
                fingerprint=about if state else f"{about}:notice",
                component=name,
                summary=f"{name} is {status.lower()}" if state else f"{name}: {status or why}",
                description=why,
                state=state or SignalState.FIRING,
                severity=Severity.UNKNOWN if state else Severity.WARNING,
                started_at=at if firing else None,
                ended_at=at,
                labels=labels | picked({"tags": tags_of(alert.get("tags"))}, "tags"),
                links=(("monitored", address),),
                body={name: value for name, value in body.items() if name.lower() != "token"},
            )
        ]
    )


KIND = Kind(
    name="statuscake",
    title="StatusCake",
    expects="A contact group with this address as its webhook URL and POST as its method.",
    documentation="https://www.statuscake.com/kb/knowledge-base/how-to-use-the-web-hook-url/",
    read=read,
)
