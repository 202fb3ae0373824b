"""Papertrail's webhook: log lines that a saved search found, or how many there were.

Source: papertrail documentation, web hooks. The JSON is the body or the form's field `payload`:
`saved_search` and `events`, or `counts` by source. An empty list is an alert on silence. The
search is the monitor; what fails is the system whose lines it found. Severities are syslog's. It
does not tell when a search finds nothing more.
"""

from collections.abc import Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    fields_of,
    first_of,
    list_of,
    mapping_of,
    picked,
    severity_from,
    time_of,
    unix_time_of,
)

_SEVERITIES = {"alert": Severity.CRITICAL, "debug": Severity.INFO}
"""Where syslog's scale differs from the words that people use."""
_WORST_FIRST = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO)


def read(message: Message) -> Understood:
    """Read what a search found. Raises NotUnderstood when there are neither events nor counts."""
    body = fields_of(message)
    events, counts = body.get("events"), body.get("counts")
    if not isinstance(events, list) and not isinstance(counts, list):
        raise NotUnderstood("a Papertrail webhook has `saved_search`, and `events` or `counts`")
    found = [mapping_of(one) for one in (*list_of(events), *list_of(counts))]
    search = mapping_of(body.get("saved_search"))
    name = first_of(search, "name")
    source = next(filter(None, (first_of(one, "source_name", "hostname") for one in found)), "")
    said = {severity_from(_SEVERITIES, one.get("severity")) for one in found}
    times = [time for one in found for time in _times(one)]
    lines = [first_of(one, "message") for one in found]
    return Understood(
        [
            a_signal(
                message,
                fingerprint=first_of(search, "id") or digest(name, source),
                component=source or name,
                summary=f"{name}: {lines[0]}" if lines and lines[0] else name,
                description="\n".join(filter(None, lines[:20])),
                state=SignalState.FIRING,
                severity=next((one for one in _WORST_FIRST if one in said), Severity.UNKNOWN),
                started_at=min(times, default=None),
                told_at=first_of(body, "max_id"),
                labels=picked(search, "name", "query")
                | picked(found[0] if found else {}, "program", "facility", "source_ip"),
                links=(
                    ("search", search.get("html_search_url")),
                    ("edit the search", search.get("html_edit_url")),
                ),
                body=body,
            )
        ]
    )


def _times(found: Mapping[str, Any]) -> list[Any]:
    counted = (unix_time_of(second) for second in mapping_of(found.get("timeseries")))
    return [time for time in (time_of(found.get("received_at")), *counted) if time]


KIND = Kind(
    name="papertrail",
    title="Papertrail",
    expects="An alert of a saved search, of the type Webhook, with this address.",
    documentation="https://www.papertrail.com/help/web-hooks/",
    read=read,
)
