"""AWS Health events by EventBridge, plain or within SNS.

Source: docs.aws.amazon.com, AWS Health user guide, "AWS Health events Amazon EventBridge schema".
An event is an issue, an investigation, a scheduled change or a notification to the account; only
the first two tell of a failure. `statusCode` is open, closed or upcoming; where there is none, the
end says whether it is over. An event has one ARN in all its messages; a backup region sends the
same events with `backupEvent`. Its times are written as in HTTP. AWS gives no severity.
"""

from collections.abc import Mapping
from typing import Any

from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    any_time_of,
    digest,
    list_of,
    mapping_of,
    text_of,
)
from mejora_intake.sources.sns import opened

_FAILURES = ("issue", "investigation")


def read(message: Message) -> Understood:
    """Read one event or several; raises NotUnderstood when there is none of AWS Health."""
    understood = Understood()
    known = False
    for published in opened(message.json()):
        if published.confirmation:
            understood.remarks.append("a subscription's confirmation")
        elif is_health_event(published.content):
            add_health_event(message, published.content, understood)
        else:
            understood.remarks.append("an event that is not AWS Health's was left out")
            continue
        known = True
    if not known:
        raise NotUnderstood("an AWS Health event is an object with `detail.eventTypeCode`")
    return understood


def is_health_event(content: object) -> bool:
    """Tell whether an EventBridge event is one of AWS Health."""
    event = mapping_of(content)
    detail = mapping_of(event.get("detail"))
    return event.get("source") == "aws.health" or bool(
        text_of(detail.get("eventTypeCode")) or text_of(detail.get("eventTypeCategory"))
    )


def add_health_event(message: Message, event: Mapping[str, Any], understood: Understood) -> None:
    """Add the signal of an event, or the remark that it tells of no failure."""
    detail = mapping_of(event.get("detail"))
    category = text_of(detail.get("eventTypeCategory")) or "issue"
    code = text_of(detail.get("eventTypeCode"))
    if category in _FAILURES and text_of(detail.get("statusCode")) != "upcoming":
        understood.signals.append(_signal(message, event, detail))
    else:
        understood.remarks.append(f"{category} {code} of AWS Health tells of no failure")


def _signal(message: Message, event: Mapping[str, Any], detail: Mapping[str, Any]) -> Signal:
    code = text_of(detail.get("eventTypeCode"))
    service = text_of(detail.get("service"))
    ended_at = any_time_of(detail.get("endTime"))
    status = text_of(detail.get("statusCode"))
    closed = status == "closed" or (
        not status and ended_at is not None and ended_at <= message.received_at
    )
    region = text_of(detail.get("eventRegion")) or text_of(event.get("region"))
    labels = {
        "service": service,
        "region": region,
        "account": text_of(detail.get("affectedAccount")) or text_of(event.get("account")),
        "event_type": code,
        "entities": ", ".join(_entities(detail)),
    }
    return a_signal(
        message,
        fingerprint=text_of(detail.get("eventArn")) or digest(code, service, region),
        component=service or code,
        summary=code.replace("_", " ") or f"an issue of {service}",
        description=_description(detail),
        state=SignalState.RESOLVED if closed else SignalState.FIRING,
        started_at=any_time_of(detail.get("startTime"), event.get("time")),
        ended_at=ended_at,
        told_at=detail.get("communicationId") or event.get("id"),
        labels={name: value for name, value in labels.items() if value},
        body=event,
    )


def _entities(detail: Mapping[str, Any]) -> list[str]:
    entities = (mapping_of(one) for one in list_of(detail.get("affectedEntities")))
    return [name for one in entities if (name := text_of(one.get("entityValue"), 200))][:20]


def _description(detail: Mapping[str, Any]) -> str:
    """Give what AWS tells, in English where there is a choice."""
    told = [mapping_of(one) for one in list_of(detail.get("eventDescription"))]
    told.sort(key=lambda one: not text_of(one.get("language")).startswith("en"))
    return text_of(told[0].get("latestDescription")) if told else ""


KIND = Kind(
    name="aws_health",
    title="AWS Health",
    expects="An EventBridge rule for the source `aws.health`, with an API destination or an SNS "
    "topic that posts to this address.",
    documentation="https://docs.aws.amazon.com/health/latest/ug/"
    "aws-health-events-eventbridge-schema.html",
    read=read,
)
