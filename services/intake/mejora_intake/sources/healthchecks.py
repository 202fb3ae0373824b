"""Healthchecks.io's webhook: the documented placeholders as JSON, or its Slack-compatible message.

Source: healthchecks.io, docs, configuring notifications, webhooks. The body is the customer's; it
is read by the placeholders' names as keys (`$CODE`, `$NAME`, `$STATUS`, `$NOW`, `$TAGS`, `$BODY`,
`$EXITSTATUS`, …), and `$JSON` with the names of the Management API. `status` is `up` or `down`;
a check that is new, paused, started or in its grace time does not fail. A test notification is
about a check with the name TEST.
"""

import re
from collections.abc import Mapping
from typing import Any

from mejora_intake.model import SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    list_of,
    mapping_of,
    picked,
    tags_of,
    with_plain_names,
)

_STATES = {"up": SignalState.RESOLVED, "down": SignalState.FIRING}
_SLACK = re.compile(r"[\"“”](?P<name>.+)[\"“”] (?:is|has gone) (?P<status>up|down)", re.I | re.S)


def read(message: Message) -> Understood:
    """Read a change of a check. Raises NotUnderstood when it says no status."""
    body = fields_of(message)
    check = _slack(body) or with_plain_names(body.get("check") or body.get("json")) or {}
    check = with_plain_names(body) | check
    status = first_of(check, "status", "checkstatus", "state").lower()
    if not status:
        raise NotUnderstood("a Healthchecks message has `status` (the placeholder $STATUS)")
    code = first_of(check, "code", "uuid", "uniquekey", "slug", "pingurl")
    name = first_of(check, "name", "checkname", "slug") or code
    if name == "TEST":
        return Understood(remarks=["a test notification"])
    if status not in _STATES:
        return Understood(remarks=[f"the check {name} is {status[:200]!r}: no failure"])
    state = _STATES[status]
    at = any_time_of(*(check.get(said) for said in ("now", "timestamp", "time", "date")))
    return Understood(
        [
            a_signal(
                message,
                fingerprint=code or digest(name),
                component=name,
                summary=f"{name} is {status}",
                description=first_of(check, "desc", "description", "body"),
                state=state,
                started_at=at if state is SignalState.FIRING else None,
                ended_at=at,
                labels=picked(check, "project", "exitstatus", "lastping", "schedule")
                | picked({"tags": tags_of(check.get("tags"))}, "tags"),
                links=(("Healthchecks", check.get("link")),),
                body=body,
            )
        ]
    )


def _slack(body: Mapping[str, Any]) -> dict[str, Any]:
    for attachment in map(mapping_of, list_of(body.get("attachments"))):
        said = first_of(attachment, "title", "fallback")
        if found := _SLACK.search(said):
            fields = {
                first_of(field, "title").lower(): field.get("value")
                for field in map(mapping_of, list_of(attachment.get("fields")))
            }
            link = first_of(attachment, "title_link")
            return with_plain_names(fields) | found.groupdict() | {"link": link, "code": link}
    return {}


KIND = Kind(
    name="healthchecks",
    title="Healthchecks.io",
    expects="A webhook integration that posts to this address when a check goes down and when it "
    "goes up, with a JSON body such as "
    '{"code": "$CODE", "name": $NAME_JSON, "status": "$STATUS", "now": "$NOW", "tags": "$TAGS"}.',
    documentation="https://healthchecks.io/docs/configuring_notifications/",
    read=read,
)
