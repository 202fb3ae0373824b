"""CloudWatch's alarms by SNS, EventBridge or a function, and what else AWS publishes to topics.

Source: docs.aws.amazon.com, CloudWatch user guide, "Alarm events and EventBridge" and "Notifying
users on alarm changes". An alarm is in state ALARM, OK or INSUFFICIENT_DATA; the last says neither
that it fails nor that it works. An alarm has no severity. What is no alarm: see `aws_events`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mejora_intake.model import SignalState
from mejora_intake.sources.aws_events import add_event
from mejora_intake.sources.aws_health import add_health_event, is_health_event
from mejora_intake.sources.kind import Kind, Message, NotJson, NotUnderstood, Understood
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

_RAW = "x-amz-sns-message-id"
"""The header that a message has which SNS delivers raw, whatever was published."""
_STATES = {"ALARM": SignalState.FIRING, "OK": SignalState.RESOLVED}


def read(message: Message) -> Understood:
    """Read what was published; raises NotUnderstood when it is nothing that AWS sends."""
    understood = Understood()
    known = False
    try:
        body = message.json()
    except NotJson:
        if _RAW not in message.headers:
            raise
        return Understood(remarks=["a text that somebody published tells of no failure"])
    for published in opened(body):
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
    elif "configuration change" in text_of(content.get("detail-type")).lower():
        understood.remarks.append("a change of an alarm's configuration")
    elif "alarmName" in detail or "alarmData" in content:
        _add_alarm(message, published, _as_notified(content), understood)
    elif is_health_event(content):
        add_health_event(message, content, understood)
    else:
        return add_event(message, published, understood)
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
    (
        *("StorageType", "AvailabilityZone", "Region", "Stage", "Currency", "Resource"),
        *("Operation", "ImageId", "InstanceType", "path", "device", "fstype", "cpu", "interface"),
        *("FilterId", "EngineName", "Role", "ResponseType", "VolumeType", "objectname"),
    )
)
_SPECIFIC = (
    *("ServiceName", "Service", "FunctionName", "Service Name", "ApiName", "TargetGroup"),
    *("InstanceId", "DBInstanceIdentifier"),
)


def _most_specific(dimensions: Mapping[str, str]) -> str:
    """Give the thing that was measured: what is a part or a property of it is not a name for it."""
    named = {name: value for name, value in dimensions.items() if name not in _QUALIFIERS}
    return first_of(dimensions, *_SPECIFIC) or next((v for v in named.values() if v), "")


KIND = Kind(
    name="aws_cloudwatch_sns",
    title="AWS CloudWatch, by SNS or EventBridge",
    expects="An SNS topic of CloudWatch's alarms with an HTTPS subscription to this address, with "
    "or without raw delivery; or an EventBridge rule for alarm state changes.",
    documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
    "AlarmThatSendsEmail.html",
    read=read,
)
