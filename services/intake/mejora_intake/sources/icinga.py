"""Icinga 2's notifications: a notification script's environment, and the API's event streams.

Source: icinga.com, Icinga 2, notification commands and API event streams. A script posts what it is
given as a JSON object or as a form, by the names of the scripts that come with Icinga
(`NOTIFICATIONTYPE`, `HOSTNAME`, `HOSTSTATE`, `SERVICENAME` or `SERVICEDESC`, `SERVICESTATE`,
`SERVICEOUTPUT`, …) or with `ICINGA_` before them; add `LASTSTATECHANGE` (`$host.last_state_change$`
or `$service.last_state_change$`). An object of an event stream is of the type `Notification`, or
`StateChange` (1 is a hard state; a host is 0 up or 1 down, a service 0 OK to 3 unknown). The rest
is as in Nagios.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.sources.kind import Kind, Message, Understood
from mejora_intake.sources.nagios import macros_of, read_macros
from mejora_intake.sources.reading import fields_of, first_of, mapping_of, text_of

_SERVICE_STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_WHAT = "an Icinga notification"


def read(message: Message) -> Understood:
    """Read a notification. Raises NotUnderstood when it names no host."""
    fields = fields_of(message)
    kind = text_of(fields.get("type"))
    if kind not in ("Notification", "StateChange") or not isinstance(fields.get("host"), str):
        return read_macros(message, macros_of(fields, "ICINGA_"), fields, _WHAT)
    if kind == "StateChange" and text_of(fields.get("state_type")) in ("0", "0.0"):
        return Understood(remarks=["a soft state, which is no failure yet"])
    return read_macros(message, _macros_of_an_event(fields, kind), fields, _WHAT)


def _macros_of_an_event(event: Mapping[str, Any], kind: str) -> dict[str, str]:
    result = mapping_of(event.get("check_result"))
    service = first_of(event, "service")
    name = "SERVICE" if service else "HOST"
    if kind == "StateChange":
        state = _state(event.get("state"), is_service=bool(service))
    else:
        # A check's result is a plugin's: a host is up with OK and WARNING, and down otherwise.
        result_state = _state(result.get("state"), is_service=True)
        is_up = result_state in ("OK", "WARNING")
        state = result_state if service or not result_state else ("UP" if is_up else "DOWN")
    said = {
        "NOTIFICATIONTYPE": first_of(event, "notification_type").replace("_", ""),
        "HOSTNAME": first_of(event, "host"),
        "SERVICEDESC": service,
        f"{name}STATE": state,
        f"{name}OUTPUT": first_of(result, "output"),
        "NOTIFICATIONCOMMENT": first_of(event, "text"),
        "LASTSTATECHANGE": first_of(event, "last_state_change", "timestamp"),
    }
    return {name: value for name, value in said.items() if value}


def _state(value: object, *, is_service: bool) -> str:
    number = text_of(value, 20).removesuffix(".0")
    states = _SERVICE_STATES if is_service else ("UP", "DOWN")
    if number in ("0", "1", "2", "3")[: len(states)]:
        return states[int(number)]
    return number.upper()


KIND = Kind(
    name="icinga",
    title="Icinga 2",
    expects="A notification script that posts its environment (NOTIFICATIONTYPE, HOSTNAME, "
    "HOSTSTATE or SERVICENAME and SERVICESTATE, the output, LASTSTATECHANGE) as a JSON object or "
    "as a form; or objects of the API's event streams Notification and StateChange.",
    documentation="https://icinga.com/docs/icinga-2/latest/doc/12-icinga2-api/#event-streams",
    read=read,
)
