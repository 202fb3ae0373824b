"""Nagios' notifications, posted by a notification command: its macros, as JSON or as a form.

Source: nagios.org, Nagios Core, standard macros. Nagios posts nothing by itself; a command like
this one does, for hosts and for services (the names are the macros', without the dollars)::

    curl -H 'Content-Type: application/json' ADDRESS -d '{
      "NOTIFICATIONTYPE": "$NOTIFICATIONTYPE$", "HOSTNAME": "$HOSTNAME$",
      "SERVICEDESC": "$SERVICEDESC$", "SERVICESTATE": "$SERVICESTATE$",
      "SERVICEOUTPUT": "$SERVICEOUTPUT$", "LASTSTATECHANGE": "$LASTSERVICESTATECHANGE$"}'

where a host's has `HOSTSTATE`, `HOSTOUTPUT` and `$LASTHOSTSTATECHANGE$` instead. The names of the
macros in a command's environment (`NAGIOS_HOSTNAME`) and small letters (`notification_type`) are
read as well, and any other macro becomes a label.

A failure is that of a service on a host, or of a host. Its component is the host, which a catalogue
knows, rather than the check (`Disk space`); a custom variable `_COMPONENT` of the service or of the
host says better.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    fields_of,
    first_of,
    severity_from,
    text_of,
)

SCALE = {
    "critical": Severity.CRITICAL,
    "warning": Severity.WARNING,
    "unknown": Severity.UNKNOWN,
    "down": Severity.CRITICAL,
    "unreachable": Severity.ERROR,
}
"""Of a service, and of a host: one that is unreachable lies behind one that is down."""

_WRAPPERS = ("data", "payload", "context", "macros", "details")
_TIMES = ("TIMET", "LONGDATETIME", "SHORTDATETIME", "DATETIME", "TIMESTAMP")
_TYPES = {"PROBLEM": SignalState.FIRING, "RECOVERY": SignalState.RESOLVED}
_HOSTS = ("HOSTNAME", "HOST", "HOSTALIAS", "HOSTDISPLAYNAME", "HOSTADDRESS")
_SERVICES = ("SERVICEDESC", "SERVICENAME", "SERVICEDESCRIPTION", "SERVICEDISPLAYNAME", "SERVICE")
_WELL = ("ok", "up")
_NUMBERED = {
    "SERVICE": ("OK", "WARNING", "CRITICAL", "UNKNOWN"),
    "HOST": ("UP", "DOWN", "UNREACHABLE"),
}
"""States by the numbers that `$SERVICESTATEID$` and `$HOSTSTATEID$` give."""


def read(message: Message) -> Understood:
    """Read a notification. Raises NotUnderstood when it names no host."""
    fields = fields_of(message)
    return read_macros(message, macros_of(fields, "NAGIOS_"), fields, "a Nagios notification")


def macros_of(fields: Mapping[str, object], prefix: str) -> dict[str, str]:
    """Give macros by their names: no dollars, no prefix of the environment, no small letters.

    Objects that hold some (`{"host": {"name": …}}`, as Icinga calls `$host.name$`) are opened.
    A custom variable keeps the underscore that it begins with: `_SERVICECOMPONENT`. A macro that
    was not filled in (`$SERVICEDESC$`) is left out.
    """
    macros: dict[str, str] = {}
    for given, value in _opened(fields):
        name = text_of(given, 200).strip("$").upper().replace(".", "_").removeprefix(prefix)
        text = text_of(value)
        if text and not (text.startswith("$") and text.endswith("$")):
            macros.setdefault(name[:1] + name[1:].replace("_", ""), text)
    return macros


def _opened(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            before = "" if text_of(name).lower() in _WRAPPERS else f"{name}."
            yield from ((f"{before}{inner}", held) for inner, held in value.items())
        else:
            yield name, value


def read_macros(
    message: Message, macros: Mapping[str, str], fields: object, what: str
) -> Understood:
    """Read the macros of a notification, of Nagios or of Icinga; `what` it should be.

    `fields` is what is kept of the message.
    """
    if not first_of(macros, *_HOSTS):
        raise NotUnderstood(f"{what} has at least HOSTNAME and NOTIFICATIONTYPE")
    service = first_of(macros, *_SERVICES)
    kind = "SERVICE" if service else "HOST"
    condition = _condition(macros, kind)
    told = first_of(macros, "NOTIFICATIONTYPE", "TYPE").upper()
    state = _TYPES.get(told)
    if first_of(macros, f"{kind}STATETYPE", "STATETYPE").upper() == "SOFT":
        return Understood(remarks=["a soft state, which is no failure yet"])
    if not told and condition:
        state = SignalState.RESOLVED if condition.lower() in _WELL else SignalState.FIRING
    if state is None:
        said = f"a notification of the type {told[:200]}" if told else "a notification of no type"
        return Understood(remarks=[f"{said}, which tells of no failure"])
    return Understood([_signal(message, macros, fields, state, service, condition)])


def _condition(macros: Mapping[str, str], kind: str) -> str:
    """Give the state of the service or the host, as a word where it is told by its number."""
    said = first_of(macros, f"{kind}STATE", "STATE", f"{kind}STATEID")
    names = _NUMBERED[kind]
    return names[int(said)] if said in ("0", "1", "2", "3")[: len(names)] else said


def _signal(
    message: Message,
    macros: Mapping[str, str],
    fields: object,
    state: SignalState,
    service: str,
    condition: str,
) -> Signal:
    host = first_of(macros, *_HOSTS)
    kind = "SERVICE" if service else "HOST"
    over = state is SignalState.RESOLVED
    changed_at = _changed_at(macros, kind)
    output = first_of(macros, f"{kind}OUTPUT", "OUTPUT")
    about = f"{service} on {host}" if service else host
    return a_signal(
        message,
        fingerprint=digest(host, service),
        component=first_of(macros, "_SERVICECOMPONENT", "_HOSTCOMPONENT") or host,
        summary=f"{about}: {output or condition}".rstrip(": "),
        description=first_of(macros, f"LONG{kind}OUTPUT", "NOTIFICATIONCOMMENT"),
        state=state,
        severity=severity_from(SCALE, condition),
        started_at=None if over else changed_at,
        ended_at=changed_at,
        told_at=first_of(macros, f"{kind}NOTIFICATIONID"),
        labels={"host": host} | ({"service": service} if service else {}) | _others(macros),
        links=(
            ("notes", macros.get(f"{kind}NOTESURL")),
            ("action", macros.get(f"{kind}ACTIONURL")),
        ),
        body=fields,
    )


def _changed_at(macros: Mapping[str, str], kind: str) -> datetime | None:
    """Tell when the state began: as it is said, or by how long it has lasted."""
    changes = (f"LAST{kind}STATECHANGE", "LASTSTATECHANGE", f"{kind}LASTSTATECHANGE")
    if said := any_time_of(*map(macros.get, changes)):
        return said
    date = f"{macros.get('DATE', '')} {macros.get('TIME', '')}".strip()
    told_at = any_time_of(*map(macros.get, _TIMES), date)
    lasted = first_of(macros, f"{kind}DURATIONSEC")
    if told_at and lasted.isdecimal() and len(lasted) < 10:
        return told_at - timedelta(seconds=int(lasted))
    return told_at


def _others(macros: Mapping[str, str]) -> dict[str, str]:
    known = (*_HOSTS[:2], *_SERVICES, "NOTIFICATIONTYPE")
    return {name.lower(): text_of(said, 2000) for name, said in macros.items() if name not in known}


KIND = Kind(
    name="nagios",
    title="Nagios",
    expects="A notification command for hosts and one for services that posts the macros "
    "NOTIFICATIONTYPE, HOSTNAME, HOSTSTATE or SERVICEDESC and SERVICESTATE, the output and the "
    "last change of state as a JSON object or as a form.",
    documentation="https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/"
    "macrolist.html",
    read=read,
)
