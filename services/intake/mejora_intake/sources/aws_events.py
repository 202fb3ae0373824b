"""What AWS publishes by EventBridge and SNS that is no alarm: findings, and events of its services.

Sources: docs.aws.amazon.com, EventBridge, "Events from AWS services"; GuardDuty, "Severity levels";
Security Hub, "AWS Security Finding Format"; Amazon Inspector, "EventBridge schema"; Auto Scaling,
"Amazon SNS notifications"; AWS Backup, "Using Amazon SNS to track events"; RDS and DMS, "Working
with event notifications". An event tells of a failure when its name or its status says that
something did not succeed; most tell of a change. None of them says when the failure is over, but a
finding does.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Message, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    first_of,
    labels_of,
    list_of,
    mapping_of,
    severity_of,
    text_of,
    with_plain_names,
)
from mejora_intake.sources.sns import Published

_FAILED = re.compile(
    r"fail(ed|ure)?|error|\bwarn\b|unsuccessful|timed?[ _]?out|expired|aborted|impaired",
    re.IGNORECASE,
)
_NAMES = (
    *("AutoScalingGroupName", "pipeline", "project-name", "application", "jobName"),
    *("DBInstanceIdentifier", "SourceIdentifier", "SourceId", "Source ID", "stateMachineArn"),
    *("repository-name", "document-name", "bucket", "name", "instance-id", "EC2InstanceId"),
    *("resource_id", "check-name"),
)
_STATUS = (
    *("state", "status", "StatusCode", "State", "build-status", "stopCode", "EventCategories"),
    *("eventName", "Event Message", "Message"),
)
_TEXTS = (
    "StatusMessage",
    "Cause",
    "message",
    "Message",
    "Event Message",
    "stoppedReason",
    "reason",
)


def add_event(message: Message, published: Published, understood: Understood) -> bool:
    """Add the signals of an event, or its remark; tell whether it is one of AWS at all."""
    event = mapping_of(published.content)
    kind = text_of(event.get("detail-type"))
    detail = mapping_of(event.get("detail"))
    if "finding" in kind.lower():
        for finding in list_of(detail.get("findings")) or [detail]:
            if isinstance(finding, dict):
                understood.signals.append(_finding(message, event, finding, kind))
        return True
    if not kind and "Event" in event:
        kind, detail = text_of(event["Event"]), event
    elif not kind and "Event Message" in event:
        kind, detail = text_of(event.get("Event Source")) or "an event", event
    elif not kind and text_of(event.get("eventSource")).startswith("aws:"):
        bucket = mapping_of(mapping_of(event.get("s3")).get("bucket"))
        kind, detail = text_of(event.get("eventName")), {"bucket": bucket.get("name")}
    elif not kind and (published.topic or published.attributes):
        kind = published.attributes.get("EventType") or published.subject or "a message"
        detail = published.attributes
    elif not kind:
        return False
    status = next((text for name in _STATUS if (text := text_of(detail.get(name)))), "")
    if _FAILED.search(kind) or _FAILED.search(status):
        understood.signals.append(_failure(message, published, kind, status, detail))
    else:
        understood.remarks.append(f"{kind[:200]} {status[:200]}".strip() + " tells of no failure")
    return True


def _failure(
    message: Message, published: Published, kind: str, status: str, detail: Mapping[str, Any]
) -> Signal:
    content = published.content
    event = mapping_of(content)
    text = first_of(detail, *_TEXTS) or (content if isinstance(content, str) else "")
    component = re.split(r"[:/]", first_of(detail, *_NAMES))[-1] or _resource_of(event, text)
    short = status if len(status) < 50 else ""
    return a_signal(
        message,
        fingerprint=digest(kind, component),
        component=component or published.subject.removeprefix("Notification from ") or kind,
        summary=f"{kind} {short}".strip(),
        severity=severity_of(status),
        description=text,
        state=SignalState.FIRING,
        started_at=any_time_of(
            detail.get("StartTime"),
            event.get("time"),
            event.get("Time"),
            event.get("Event Time"),
            event.get("eventTime"),
            published.time,
        ),
        told_at=first_of(detail, "ActivityId", "Id", "execution-id") or event.get("id"),
        labels=labels_of({name: it for name, it in detail.items() if isinstance(it, str)}),
        body=content,
    )


def _resource_of(event: Mapping[str, Any], text: str) -> str:
    """Give the name at the end of the ARN of what an event or a text is about."""
    told = re.search(r"Resource ARN ?: ?(arn:\S+?)\.?(\s|$)", text)
    arn = told[1] if told else text_of(next(iter(list_of(event.get("resources"))), ""))
    return re.split(r"[:/]", arn)[-1] if arn.startswith("arn:") else ""


def _finding(
    message: Message, event: Mapping[str, Any], finding: Mapping[str, Any], kind: str
) -> Signal:
    """Read a finding of GuardDuty, Security Hub or Inspector, whose names differ in little."""
    fields = with_plain_names(finding)
    service = mapping_of(fields.get("service"))
    what = first_of(fields, "type") or kind
    over = any(word in ("RESOLVED", "CLOSED", "ARCHIVED", "PASSED") for word in _said_of(fields))
    at = any_time_of(fields.get("updatedat"), service.get("eventLastSeen"), event.get("time"))
    component = _component(fields) or what.partition(":")[2].partition(" ")[0].partition("/")[0]
    return a_signal(
        message,
        fingerprint=first_of(fields, "findingarn", "arn", "id") or digest(what, component),
        component=component or kind.partition(" ")[0],
        summary=first_of(fields, "title") or what,
        description=first_of(fields, "description"),
        state=SignalState.RESOLVED if over else SignalState.FIRING,
        severity=_severity(fields.get("severity")),
        started_at=any_time_of(
            service.get("eventFirstSeen"),
            fields.get("firstobservedat"),
            fields.get("createdat"),
            event.get("time"),
        ),
        ended_at=at if over else None,
        told_at=at,
        labels={"type": what, "region": first_of(event, "region")},
        body=event,
    )


def _said_of(fields: Mapping[str, Any]) -> Iterator[str]:
    yield first_of(fields, "status").upper()
    yield first_of(fields, "recordstate").upper()
    for name in ("workflow", "compliance"):
        yield first_of(mapping_of(fields.get(name)), "Status", "status").upper()


def _component(fields: Mapping[str, Any]) -> str:
    resource = mapping_of(fields.get("resource"))
    instance = text_of(mapping_of(resource.get("instanceDetails")).get("instanceId"))
    several = [mapping_of(one) for one in list_of(fields.get("resources"))]
    named = first_of(several[0], "Id", "id") if several else ""
    return instance or re.split(r"[:/]", named)[-1] or first_of(resource, "resourceType")


def _severity(value: object) -> Severity:
    """Map a number up to 10 as GuardDuty does, or a label; Security Hub gives it in an object."""
    if isinstance(value, dict):
        return severity_of(first_of(value, "Label", "label"))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return severity_of(value)
    scale = ((9, Severity.CRITICAL), (7, Severity.ERROR), (4, Severity.WARNING))
    return next((severity for least, severity in scale if value >= least), Severity.INFO)
