"""Zabbix' notifications by a webhook media type, and the events that its connectors stream.

Source: zabbix.com, manual, macros by location; webhook media types; streaming to external systems.
What a media type posts is its script's choice, made of macros such as {EVENT.ID}, {EVENT.NAME},
{EVENT.VALUE}, {EVENT.SEVERITY}, {HOST.NAME}, {TRIGGER.ID} and {TRIGGER.STATUS}: fields are known by
the macro's name in any spelling (`event_id`, `EVENT.ID`, `eventId`) or by the plain words that
people use (`hostname`, `trigger`, `status`, `severity`, `item`, `link`). {EVENT.ID} is that of the
problem in its recovery too. A macro that could not be filled in is `*UNKNOWN*` or itself. Where a
script passes on the message alone, Zabbix' default messages are read for what they say.
A connector streams events one a line, with numbers for the value (1 problem, 0 recovery) and the
severity, and in a recovery the problem's `p_eventid`.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
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
    severity_from,
    tags_of,
    text_of,
    with_inner_names,
)

_SCALE = {
    "disaster": Severity.CRITICAL,
    "high": Severity.ERROR,
    "average": Severity.WARNING,
    "warning": Severity.WARNING,
    "information": Severity.INFO,
    "not classified": Severity.UNKNOWN,
    "5": Severity.CRITICAL,
    "4": Severity.ERROR,
    "3": Severity.WARNING,
    "2": Severity.WARNING,
    "1": Severity.INFO,
    "0": Severity.UNKNOWN,
}
_FIRING = {"problem", "firing", "down", "1"}
_RESOLVED = {"ok", "resolved", "recovery", "recovered", "up", "0"}
_NO_TRIGGER = {"1": "a discovery", "2": "an autoregistration"}
_UNFILLED = re.compile(r"\*UNKNOWN\*|\{[A-Z$][^{}]*\}")

_BEGUN = re.compile(r"^Problem started at (\S+) on (\S+)", re.MULTILINE)
_OVER = re.compile(r"^Problem has been resolved .*?\bat (\S+) on (\S+)", re.MULTILINE)
_WORDS = {
    "eventname": re.compile(r"^Problem name: (.+)$", re.MULTILINE),
    "hostname": re.compile(r"^Host: (.+)$", re.MULTILINE),
    "eventseverity": re.compile(r"^Severity: (.+)$", re.MULTILINE),
    "eventid": re.compile(r"^Original problem ID: (.+)$", re.MULTILINE),
}

_HOSTS = (
    *("hostname", "hosthost", "host", "hostname1", "hostvisiblename", "servicename", "service"),
    "hostip",
)
_TIMES = ("timestamp", "datetime", "lastreceived", "starttime", "startedat")
_NAMES = (
    "eventname",
    "triggername",
    "trigger",
    "problem",
    "problemname",
    "name",
    "subject",
    "alertsubject",
    "title",
)


def read(message: Message) -> Understood:
    """Read a notification or streamed events; a bad event loses none of its neighbours.

    Raises NotUnderstood when it is neither.
    """
    lines = message.body.strip().splitlines()
    if len(lines) < 2 or not all(line.startswith(b"{") for line in lines):
        understood = Understood()
        if not _understand(message, fields_of(message), understood):
            raise NotUnderstood("a Zabbix notification has a trigger's or an event's name or id")
        return understood
    understood = Understood()
    for place, line in enumerate(lines, start=1):
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            event = None
        if not _understand(message, mapping_of(event), understood):
            understood.remarks.append(f"line {place} is no event and was left out")
    return understood


def _understand(message: Message, fields: Mapping[str, Any], understood: Understood) -> bool:
    """Add what a notification says; tell whether it is one at all."""
    event = {
        name: value
        for name, value in with_inner_names(fields).items()
        if not (isinstance(value, str) and _UNFILLED.fullmatch(value.strip()))
    }
    event = _in_words(first_of(event, "message", "alertmessage", "description")) | event
    source = _NO_TRIGGER.get(first_of(event, "eventsource"))
    state = _state(event)
    if fields and not event:
        understood.remarks.append("a test whose macros are not filled in")
    elif not first_of(event, *_NAMES, "eventid", "triggerid") and not (
        state and first_of(event, *_HOSTS)
    ):
        return False
    elif source:
        understood.remarks.append(f"{source}, which tells of no failure")
    elif first_of(event, "eventupdatestatus") == "1":
        understood.remarks.append("an update of a problem (an acknowledgement, a comment, …)")
    elif state is None:
        said = first_of(event, "status", "eventstatus", "triggerstatus")
        understood.remarks.append(f"neither a problem nor a recovery: {said[:200]!r}")
    else:
        understood.signals.append(_signal(message, event, state))
    return True


def _in_words(text: str) -> dict[str, str]:
    """Read the message that a media type's {ALERT.MESSAGE} is by default, for what it says."""
    told = {name: found[1].strip() for name, form in _WORDS.items() if (found := form.search(text))}
    begun, over = _BEGUN.search(text), _OVER.search(text)
    if begun:
        told |= {"eventstatus": "problem", "eventtime": begun[1], "eventdate": begun[2]}
    elif over:
        told |= {"eventstatus": "ok", "eventrecoverytime": over[1], "eventrecoverydate": over[2]}
    return told


def _state(event: Mapping[str, Any]) -> SignalState | None:
    # In a streamed event, `value` is the event's; elsewhere it may be the item's.
    names = ("eventstatus", "triggerstatus", "status", "eventvalue", "triggervalue")
    for name in (*names, "value") if "clock" in event else names:
        said = first_of(event, name).lower()
        if said in _RESOLVED:
            return SignalState.RESOLVED
        if said in _FIRING:
            return SignalState.FIRING
    return None if any(first_of(event, name) for name in names) else _state_in_subject(event)


def _state_in_subject(event: Mapping[str, Any]) -> SignalState | None:
    """Tell the state where no field does: by a subject or a recovery, else by a severity alone."""
    subject = first_of(event, "subject", "alertsubject").lower()
    if subject.startswith("resolved") or _time(event, "eventrecovery"):
        return SignalState.RESOLVED
    if subject.startswith("updated problem"):
        return None
    known = subject.startswith("problem") or _severity(event) is not Severity.UNKNOWN
    return SignalState.FIRING if known else None


def _signal(message: Message, event: Mapping[str, Any], state: SignalState) -> Signal:
    named = (*list_of(event.get("hosts")), *list_of(event.get("items")))
    hosts = [mapping_of(one) for one in named]
    host = first_of(event, *_HOSTS) or _first_named(hosts)
    name = first_of(event, *_NAMES)
    link = first_of(event, "link", "url", "triggerurl", "eventurl", "zabbixurl")
    over = state is SignalState.RESOLVED
    told = any_time_of(event.get("eventtimestamp"), event.get("clock")) or _time(event, "event")
    told = told or any_time_of(*map(event.get, _TIMES)) or _time(event, "")
    streamed_end = over and "clock" in event
    return a_signal(
        message,
        fingerprint=_fingerprint(event, host, name, link),
        component=host or name,
        summary=name,
        description=first_of(event, "alertmessage", "message", "eventopdata", "opdata", "item")
        or first_of(event, "triggerdescription", "itemname"),
        state=state,
        severity=_severity(event),
        started_at=None if streamed_end else told,
        ended_at=told
        if streamed_end
        else any_time_of(event.get("eventrecoverytimestamp")) or _time(event, "eventrecovery"),
        labels=picked(event, "item", "itemname", "hostip", "hostgroup", "triggerid", "itemvalue")
        | picked({"tags": tags_of(_tags(event))}, "tags"),
        links=(("Zabbix", link),),
        body=event,
    )


def _first_named(hosts: list[Mapping[str, Any]]) -> str:
    """Give the first host; an item has its host's name, and one of its own."""
    names = (
        first_of(one, "host") if "key" in one else first_of(one, "name", "host") for one in hosts
    )
    return next(filter(None, names), "")


def _tags(event: Mapping[str, Any]) -> object:
    tags = event.get("eventtags") or event.get("tags")
    if not isinstance(tags, list):
        return tags
    named = (mapping_of(tag) for tag in tags)
    return [{"name": tag.get("tag"), "value": tag.get("value")} for tag in named if tag]


def _fingerprint(event: Mapping[str, Any], host: str, name: str, link: str) -> str:
    """Name the problem by its event, else by its trigger, else by its words."""
    try:
        asked = parse_qs(urlsplit(link).query)
    except ValueError:
        asked = {}
    problem = first_of(event, "peventid", "eventid", "problemid", "originalproblemid", "alertid")
    if problem := problem or asked.get("eventid", [""])[0]:
        return f"event/{problem}"
    trigger = first_of(event, "triggerid") or asked.get("triggerid", [""])[0]
    return f"trigger/{trigger}" if trigger else first_of(event, "id") or digest(host, name)


def _severity(event: Mapping[str, Any]) -> Severity:
    names = ("eventseverity", "triggerseverity", "severity", "eventnseverity", "triggernseverity")
    return severity_from(_SCALE, first_of(event, *names, "nseverity", "priority"))


def _time(event: Mapping[str, Any], name: str) -> datetime | None:
    """Read {EVENT.DATE} and {EVENT.TIME}: `2026.03.01` and `11:58:00`, or both in one field."""
    date, time = text_of(event.get(f"{name}date")), text_of(event.get(f"{name}time"))
    return any_time_of(f"{date} {time}") or any_time_of(
        *(one for one in (date, time) if ":" in one)
    )


KIND = Kind(
    name="zabbix",
    title="Zabbix",
    expects="A media type of the type Webhook whose script posts a JSON object of macros to this "
    "address, with at least event_id ({EVENT.ID}), event_name ({EVENT.NAME}), event_value "
    "({EVENT.VALUE}), event_severity ({EVENT.SEVERITY}), host_name ({HOST.NAME}), event_date and "
    "event_time; or a connector that streams events.",
    documentation="https://www.zabbix.com/documentation/current/en/manual/config/notifications/"
    "media/webhook",
    read=read,
)
