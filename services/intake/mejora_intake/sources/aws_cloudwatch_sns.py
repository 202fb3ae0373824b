"""CloudWatch's alarms by SNS, EventBridge or a function, and what else AWS publishes to topics.

Sources: docs.aws.amazon.com, CloudWatch user guide, "Alarm events and EventBridge" and "Notifying
users on alarm changes"; Auto Scaling, "Amazon SNS notifications"; AWS Backup, "Using Amazon SNS to
track events"; GuardDuty, "Severity levels". An alarm is in state ALARM, OK or INSUFFICIENT_DATA;
the last says neither that it fails nor that it works. An alarm has no severity.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.aws_health import add_health_event, is_health_event
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    first_of,
    labels_of,
    list_of,
    mapping_of,
    severity_of,
    text_of,
    time_of,
)
from mejora_intake.sources.sns import Published, opened

_STATES = {"ALARM": SignalState.FIRING, "OK": SignalState.RESOLVED}
_FAILED = re.compile(
    r"fail(ed|ure)?|error|unsuccessful|timed[ _]?out|expired|aborted|impaired", re.I
)


def read(message: Message) -> Understood:
    """Read what was published; raises NotUnderstood when it is nothing that AWS sends."""
    understood = Understood()
    known = False
    for published in opened(message.json()):
        known |= _add(message, published, understood)
    if not known:
        raise NotUnderstood(
            "a message of Amazon SNS has `Message`, an alarm has `AlarmName`, an EventBridge event "
            "has `detail-type`"
        )
    return understood


def _add(message: Message, published: Published, understood: Understood) -> bool:
    """Add what one publication says; tell whether it was one of AWS at all."""
    content = mapping_of(published.content)
    detail = mapping_of(content.get("detail"))
    if published.confirmation:
        understood.remarks.append("a subscription's confirmation")
    elif "AlarmName" in content:
        _add_alarm(message, published, content, understood)
    elif "alarmName" in detail or "alarmData" in content:
        _add_alarm(message, published, _as_notified(content), understood)
    elif is_health_event(content):
        add_health_event(message, content, understood)
    elif text_of(content.get("detail-type")) == "GuardDuty Finding":
        understood.signals.append(_finding(message, published, content, detail))
    elif "Event" in content and "AutoScalingGroupName" in content:
        _add_event(message, published, content, text_of(content["Event"]), content, understood)
    elif "detail-type" in content:
        kind = text_of(content["detail-type"])
        _add_event(message, published, detail, kind, content, understood)
    elif published.topic or published.attributes:
        kind = published.attributes.get("EventType") or published.subject or "a message"
        _add_event(message, published, published.attributes, kind, published.content, understood)
    else:
        return False
    return True


def _as_notified(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give an alarm's EventBridge event the names of its SNS message."""
    data = mapping_of(event.get("alarmData")) or mapping_of(event.get("detail"))
    state, before = mapping_of(data.get("state")), mapping_of(data.get("previousState"))
    configuration = mapping_of(data.get("configuration"))
    return {
        "AlarmName": data.get("alarmName"),
        "AlarmArn": event.get("alarmArn") or next(iter(list_of(event.get("resources"))), None),
        "AlarmDescription": configuration.get("description"),
        "AWSAccountId": event.get("account") or event.get("accountId"),
        "Region": event.get("region"),
        "NewStateValue": state.get("value"),
        "NewStateReason": state.get("reason"),
        "StateChangeTime": state.get("timestamp") or event.get("time"),
        "OldStateValue": before.get("value"),
        "Began": before.get("timestamp") if before.get("value") == "ALARM" else None,
        "Trigger": {"Metrics": configuration.get("metrics")},
    }


def _add_alarm(
    message: Message, published: Published, alarm: Mapping[str, Any], understood: Understood
) -> None:
    name = text_of(alarm.get("AlarmName"))
    said = text_of(alarm.get("NewStateValue")).upper()
    state = _STATES.get(said or "ALARM")
    if state is None:
        understood.remarks.append(f"the alarm {name} is in state {said[:100]}: no more is known")
        return
    changed_at = time_of(alarm.get("StateChangeTime")) or time_of(published.time)
    trigger = mapping_of(alarm.get("Trigger")) or alarm
    dimensions = dict(_dimensions(trigger))
    labels = {
        "alarm": name,
        "account": text_of(alarm.get("AWSAccountId")),
        "region": text_of(alarm.get("Region")),
        "namespace": first_of(trigger, "Namespace"),
        "metric": first_of(trigger, "MetricName"),
    } | dimensions
    firing = state is SignalState.FIRING
    understood.signals.append(
        a_signal(
            message,
            fingerprint=text_of(alarm.get("AlarmArn"))
            or digest(labels["account"], labels["region"], name),
            component=_most_specific(dimensions) or name,
            summary=name,
            description=first_of(alarm, "NewStateReason", "AlarmDescription"),
            state=state,
            severity=severity_of(alarm.get("Severity") or alarm.get("Priority")),
            started_at=changed_at if firing else time_of(alarm.get("Began")),
            ended_at=None if firing else changed_at,
            labels={name: value for name, value in labels.items() if value},
            body=published.content,
        )
    )


def _dimensions(trigger: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the dimensions of an alarm's metrics, each a list of pairs or an object."""
    several = list_of(trigger.get("Metrics")) or list_of(trigger.get("metrics"))
    for metric in (trigger, *several):
        for stat in ("MetricStat", "metricStat"):
            if inner := mapping_of(mapping_of(metric).get(stat)):
                metric = inner.get("Metric") or inner.get("metric")
        for name in ("Dimensions", "dimensions"):
            dimensions = mapping_of(metric).get(name)
            yield from labels_of(dimensions).items()
            for pair in map(mapping_of, list_of(dimensions)):
                yield first_of(pair, "name", "Name"), first_of(pair, "value", "Value")


_QUALIFIERS = frozenset(
    ("StorageType", "AvailabilityZone", "Region", "Stage", "Currency", "Resource", "Operation")
)
_SPECIFIC = ("ServiceName", "Service", "FunctionName", "Service Name", "ApiName", "TargetGroup")


def _most_specific(dimensions: Mapping[str, str]) -> str:
    """Give the thing that was measured: what is a part or a property of it is not a name for it."""
    named = {name: value for name, value in dimensions.items() if name not in _QUALIFIERS}
    return first_of(dimensions, *_SPECIFIC) or next((v for v in named.values() if v), "")


def _finding(
    message: Message, published: Published, event: Mapping[str, Any], detail: Mapping[str, Any]
) -> Signal:
    """Read a finding of GuardDuty, of which the severity is a number up to 10."""
    service = mapping_of(detail.get("service"))
    resource = mapping_of(detail.get("resource"))
    instance = mapping_of(resource.get("instanceDetails"))
    kind = text_of(detail.get("type"))
    return a_signal(
        message,
        fingerprint=first_of(detail, "arn", "id") or digest(kind),
        component=text_of(instance.get("instanceId"))
        or text_of(resource.get("resourceType"))
        or kind.partition(":")[2].partition(" ")[0].partition("/")[0]
        or "GuardDuty",
        summary=first_of(detail, "title") or kind,
        description=first_of(detail, "description"),
        state=SignalState.FIRING,
        severity=_severity_of_finding(detail.get("severity")),
        started_at=time_of(service.get("eventFirstSeen")) or time_of(event.get("time")),
        told_at=service.get("eventLastSeen"),
        labels={"type": kind, "region": first_of(event, "region")},
        body=published.content,
    )


def _severity_of_finding(value: object) -> Severity:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return severity_of(value)
    for least, severity in ((9, Severity.CRITICAL), (7, Severity.ERROR), (4, Severity.WARNING)):
        if value >= least:
            return severity
    return Severity.INFO


_NAMES = (
    "AutoScalingGroupName",
    "pipeline",
    "project-name",
    "application",
    "DBInstanceIdentifier",
    "SourceIdentifier",
    "name",
    "stateMachineArn",
    "clusterArn",
    "instance-id",
    "EC2InstanceId",
)
_STATUS = ("state", "status", "StatusCode", "State", "build-status", "lastStatus")


def _add_event(
    message: Message,
    published: Published,
    detail: Mapping[str, Any],
    kind: str,
    content: Any,
    understood: Understood,
) -> None:
    """Add an event that is no alarm: a signal when it says that something did not succeed."""
    event = mapping_of(content)
    status = first_of(detail, *_STATUS)
    if not (_FAILED.search(kind) or _FAILED.search(status)):
        said = " ".join(text_of(part, 100) for part in (kind, status) if part)
        understood.remarks.append(f"{said} tells of no failure")
        return
    text = first_of(detail, "StatusMessage", "Cause", "message") or (
        content if isinstance(content, str) else ""
    )
    component = first_of(detail, *_NAMES) or _resource_of(event, text)
    understood.signals.append(
        a_signal(
            message,
            fingerprint=digest(kind.removesuffix(" Unsuccessful"), component),
            component=component or published.subject.removeprefix("Notification from ") or kind,
            summary=f"{kind} {status}".strip(),
            description=text,
            state=SignalState.FIRING,
            started_at=time_of(first_of(detail, "StartTime"))
            or time_of(first_of(event, "time", "Time"))
            or time_of(published.time),
            told_at=first_of(detail, "ActivityId", "Id", "execution-id") or event.get("id"),
            labels=labels_of({n: v for n, v in detail.items() if isinstance(v, str)}),
            body=content,
        )
    )


def _resource_of(event: Mapping[str, Any], text: str) -> str:
    """Give the name at the end of the ARN of what an event or a text is about."""
    told = re.search(r"Resource ARN ?: ?(arn:\S+?)\.?(\s|$)", text)
    arn = told[1] if told else text_of(next(iter(list_of(event.get("resources"))), ""))
    return re.split(r"[:/]", arn)[-1] if arn.startswith("arn:") else ""


KIND = Kind(
    name="aws_cloudwatch_sns",
    title="AWS CloudWatch, by SNS or EventBridge",
    expects="An SNS topic of CloudWatch's alarms with an HTTPS subscription to this address, with "
    "or without raw delivery; or an EventBridge rule for alarm state changes.",
    documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
    "AlarmThatSendsEmail.html",
    read=read,
)
