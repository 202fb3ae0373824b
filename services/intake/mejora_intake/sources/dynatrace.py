"""Dynatrace's problem notifications: a custom payload made of its placeholders.

Source: docs.dynatrace.com, problem notifications, webhook integration. The placeholders are the
names of the fields: `ProblemID` (the number people see), `PID`, `State` (`OPEN`, `RESOLVED`,
`MERGED`), `ProblemTitle`, `ProblemSeverity`, `ProblemImpact`, `ImpactedEntities`, `ImpactedEntity`,
`ProblemURL`, `Tags`, and the whole problem in `ProblemDetailsJSON` (version 1 of the API) or
`ProblemDetailsJSONv2`, which alone say when it began. The problem may also be all there is, when
the payload is only {ProblemDetailsJSONv2}, or the record of it that a workflow passes on
(`display_id`, `event.status` ACTIVE or CLOSED, `event.category`, `event.start`). `MERGED` says that
more has joined a problem that was told of before.

Severity levels rank from availability over error, slowdown and resource contention to custom
alerts.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    decoded,
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
    with_plain_names,
)

_STATES = {
    "open": SignalState.FIRING,
    "active": SignalState.FIRING,
    "resolved": SignalState.RESOLVED,
    "closed": SignalState.RESOLVED,
}
_SCALE = {
    "monitoring_unavailable": Severity.CRITICAL,
    "availability": Severity.CRITICAL,
    "error": Severity.ERROR,
    "performance": Severity.WARNING,
    "slowdown": Severity.WARNING,
    "resource_contention": Severity.WARNING,
    "resource": Severity.WARNING,
    "custom_alert": Severity.INFO,
    "custom": Severity.INFO,
    "info": Severity.INFO,
}
_IMPACTED = re.compile(
    r".{1,200}? on (?:(?:web |database |mobile |custom |synthetic )?(?:service|application|device"
    r"|monitor|test|host|process group|process) )?(?P<name>.+)",
    re.IGNORECASE,
)
_NAMES = ("problemid", "pid", "displayid", "problemtitle", "title")
_SAYS = ("state", "problemstate", "problemstatus", "eventstatus", "status", "eventtype")
_TEST = "Dynatrace problem notification test run"


def read(message: Message) -> Understood:
    """Read a notification. Raises NotUnderstood when it names no problem."""
    fields = fields_of(message)
    told = with_plain_names(fields)
    if not first_of(told, *_NAMES):
        told = with_inner_names(fields) | told
    problem = _problem_of(told)
    if not (_id_of(told, problem) or first_of(told, "problemtitle")):
        raise NotUnderstood("a Dynatrace notification has a `ProblemID` or a `PID`")
    if first_of(told, "problemtitle", "title").startswith(_TEST):
        return Understood(remarks=["a test of the notification"])
    said = [*(first_of(told, name) for name in _SAYS), first_of(problem, "status")]
    known = (found for one in said if (found := _STATES.get(one.lower())))
    state = next(known, None)
    if state is None:
        told_state = next(filter(None, said), "in no state")
        return Understood(remarks=[f"a problem that is {told_state[:200]}"])
    return Understood([_signal(message, fields, told, problem, state)])


def _problem_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the problem as the API has it: within the notification, or the notification itself."""
    for name in ("problemdetailsjsonv2", "problemdetailsjson", "problemdetails"):
        if problem := mapping_of(decoded(told.get(name))):
            return with_plain_names(problem)
    return told


def _id_of(told: Mapping[str, Any], problem: Mapping[str, Any]) -> str:
    number = first_of(told, "problemid", "displayid") or first_of(problem, "displayid")
    known = first_of(told, "pid") or first_of(problem, "problemid")
    return known or number or (first_of(problem, "id") if "displayname" in problem else "")


def _signal(
    message: Message,
    fields: Mapping[str, Any],
    told: Mapping[str, Any],
    problem: Mapping[str, Any],
    state: SignalState,
) -> Signal:
    event = mapping_of(next(iter(list_of(problem.get("rankedevents"))), None))
    title = (
        first_of(told, "problemtitle", "title", "eventname")
        or first_of(problem, "title")
        or first_of(event, "eventType")
    )
    entity = _entity(told, problem)
    severity = first_of(told, "problemseverity", "severitylevel", "eventcategory")
    return a_signal(
        message,
        fingerprint=_id_of(told, problem) or digest(title, entity),
        component=entity or title,
        summary=title,
        description=first_of(told, "problemdetailstext", "problemdetailsmarkdown"),
        state=state,
        severity=severity_from(_SCALE, severity or first_of(problem, "severitylevel")),
        started_at=any_time_of(problem.get("starttime"), problem.get("eventstart")),
        ended_at=_end(problem) if state is SignalState.RESOLVED else None,
        labels=picked({"tags": tags_of(told.get("tags"))}, "tags")
        | picked(told, "problemid", "problemimpact", "problemseverity", "impactedentity"),
        links=(("problem", told.get("problemurl")),),
        body=fields,
    )


def _end(problem: Mapping[str, Any]) -> datetime | None:
    """Tell when a problem ended; one that is open ends at -1."""
    ended = problem.get("endtime") or problem.get("eventend")
    return None if text_of(ended) == "-1" else any_time_of(ended)


def _entity(told: Mapping[str, Any], problem: Mapping[str, Any]) -> str:
    """Name the first of the things that the problem has an impact on."""
    for value in (
        told.get("impactedentities"),
        problem.get("impactedentities"),
        problem.get("affectedentities"),
        problem.get("rankedimpacts"),
        problem.get("rankedevents"),
    ):
        for entity in map(mapping_of, list_of(decoded(value))):
            if name := first_of(entity, "name", "entityName", "entity"):
                return name
    root = mapping_of(problem.get("rootcauseentity"))
    names = first_of(told, "impactedentitynames", "namesofimpactedentities", "affectedentitynames")
    first_name = text_of(names.strip("[]\"' ").partition(",")[0].strip("\"' "))
    cause = first_of(root, "name") or first_of(told, "rootcauseentityname")
    return first_name or cause or _named_in(first_of(told, "impactedentity"))


def _named_in(text: str) -> str:
    """Give the first entity of `Myhost1, Myservice1`, or of `Slowdown on Service Myservice1`."""
    found = _IMPACTED.match(text)
    name = found["name"] if found else text.partition(",")[0].strip()
    return "" if name.lower() == "multiple" else name


KIND = Kind(
    name="dynatrace",
    title="Dynatrace",
    expects="A problem notification of the type custom integration with this address; with a "
    "payload that has ProblemID, PID, State, ProblemTitle, ProblemSeverity, ProblemURL, Tags, "
    "ImpactedEntities and ProblemDetailsJSONv2 by these names, also when a problem is closed.",
    documentation="https://docs.dynatrace.com/docs/analyze-explore-automate/"
    "notifications-and-alerting/problem-notifications/webhook-integration",
    read=read,
)
