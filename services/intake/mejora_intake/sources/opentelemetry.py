"""OpenTelemetry's export of logs and traces by OTLP/HTTP, as JSON or protobuf.

Source: opentelemetry.io, "OTLP specification", "Logs data model" (severity numbers) and "Semantic
conventions for exceptions". A log record of WARN or worse is a signal, and so is a span of status
ERROR; everything else, and every metric, tells of no failure. The same service, logger, exception
and text (its digits taken out) is the same failure. Nothing tells of its end.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from mejora_events.contracts.base import Severity
from mejora_intake.model import Signal, SignalState
from mejora_intake.sources.kind import Kind, Message, NotUnderstood, Understood
from mejora_intake.sources.reading import (
    a_signal,
    digest,
    first_of,
    list_of,
    mapping_of,
    severity_of,
    text_of,
    unix_time_of,
)

_SEVERITIES = (
    (21, Severity.CRITICAL),
    (17, Severity.ERROR),
    (13, Severity.WARNING),
    (1, Severity.INFO),
)
"""Each level has four numbers: TRACE from 1, DEBUG 5, INFO 9, WARN 13, ERROR 17, FATAL 21."""
_LOW = ("trace", "debug", "verbose")
_FAILED = ("2", "STATUS_CODE_ERROR")
_THINGS = (
    *("k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name"),
    *("faas.name", "container.name", "k8s.pod.name", "process.executable.name", "host.name"),
)

Found = tuple[Mapping[str, str], Mapping[str, Any], Mapping[str, Any]]
"""A resource's attributes, a scope, and what it emitted."""


def read(message: Message) -> Understood:
    """Read an export of logs, traces or metrics; raises NotUnderstood when it is none."""
    export = _export(message)
    understood = Understood()
    if "resourceLogs" in export:
        for resource, scope, record in _each(export, "Logs", "logRecords", "logs"):
            if signal := _of_record(message, resource, scope, record):
                understood.signals.append(signal)
    elif "resourceSpans" in export:
        for resource, scope, span in _each(export, "Spans", "spans"):
            if text_of(mapping_of(span.get("status")).get("code")) in _FAILED:
                understood.signals.append(_of_span(message, resource, scope, span))
    elif "resourceMetrics" not in export:
        raise NotUnderstood(
            "an export of OpenTelemetry has `resourceLogs`, `resourceSpans` or `resourceMetrics`"
        )
    if not understood.signals:
        what = next(name for name in _EXPORTS if name in export).removeprefix("resource").lower()
        understood.remarks.append(f"{what} that tell of no failure")
    return understood


_EXPORTS = ("resourceLogs", "resourceSpans", "resourceMetrics")


def _export(message: Message) -> Mapping[str, Any]:
    said = message.headers.get("content-type", "").lower()
    if "json" in said or (
        "protobuf" not in said and message.body.lstrip()[:1] in (b"{", b"[", b"")
    ):
        return mapping_of(message.json())
    return _of_protobuf(message.body)


def _of_protobuf(raw: bytes) -> Mapping[str, Any]:
    """Read an export of which nothing says the type: only its own has the marks that it must have.

    A span has two ids of fixed lengths; a log record has a time or a severity in numbers; a metric
    has a name and figures. Read as one of the others, these are fields of a wrong wire type.
    """
    for of_type, has_marks in (
        (ExportTraceServiceRequest, _has_ids),
        (ExportLogsServiceRequest, _has_severity_or_time),
        (ExportMetricsServiceRequest, _has_figures),
    ):
        export: Any = of_type()
        try:
            export.ParseFromString(raw)
            if has_marks(export):
                fields: dict[str, Any] = MessageToDict(export, use_integers_for_enums=True)
                return fields
        except (DecodeError, ValueError, RecursionError):
            continue
    raise NotUnderstood("the body is no export of OpenTelemetry's logs, traces or metrics")


def _has_ids(export: Any) -> bool:
    spans = (span for each in export.resource_spans for s in each.scope_spans for span in s.spans)
    return any(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in spans)


def _has_severity_or_time(export: Any) -> bool:
    records = (r for each in export.resource_logs for s in each.scope_logs for r in s.log_records)
    return any(r.time_unix_nano or r.observed_time_unix_nano or r.severity_number for r in records)


def _has_figures(export: Any) -> bool:
    metrics = (m for each in export.resource_metrics for s in each.scope_metrics for m in s.metrics)
    return any(metric.name and metric.WhichOneof("data") for metric in metrics)


def _each(export: Mapping[str, Any], kind: str, *names: str) -> Iterator[Found]:
    """Give what was emitted; before scopes there were instrumentation libraries."""
    for group in map(mapping_of, list_of(export.get(f"resource{kind}"))):
        resource = _attributes(mapping_of(group.get("resource")).get("attributes"))
        scopes = group.get(f"scope{kind}") or group.get(f"instrumentationLibrary{kind}")
        for several in map(mapping_of, list_of(scopes)):
            scope = several.get("scope") or several.get("instrumentationLibrary")
            for name in names:
                for one in list_of(several.get(name)):
                    if isinstance(one, dict):
                        yield resource, mapping_of(scope), one


def _attributes(value: object) -> dict[str, str]:
    pairs = (mapping_of(one) for one in list_of(value)[:200])
    return {text_of(one.get("key"), 200): _text(one.get("value")) for one in pairs}


def _text(value: object, depth: int = 0) -> str:
    """Give a value of OTLP as text; of an object, what it calls its message."""
    held = mapping_of(value)
    if "kvlistValue" in held and depth < 5:
        pairs = [mapping_of(one) for one in list_of(mapping_of(held["kvlistValue"]).get("values"))]
        told = {text_of(one.get("key"), 200): _text(one.get("value"), depth + 1) for one in pairs}
        return first_of(told, "message", "msg", "body") or ", ".join(
            f"{name}={text}" for name, text in told.items()
        )
    if "arrayValue" in held and depth < 5:
        values = list_of(mapping_of(held["arrayValue"]).get("values"))
        return ", ".join(_text(one, depth + 1) for one in values)
    return text_of(next(iter(held.values()), "")) if held else ""


def _of_record(
    message: Message,
    resource: Mapping[str, str],
    scope: Mapping[str, Any],
    record: Mapping[str, Any],
) -> Signal | None:
    """Give the signal of a log record; None for one of INFO or below, or of no severity."""
    told = _attributes(record.get("attributes"))
    severity = _severity(record, told)
    if severity in (Severity.INFO, Severity.UNKNOWN):
        return None
    body = _text(record.get("body"))
    logger = first_of(record, "eventName") or first_of(told, "event.name", "logger.name")
    logger = logger or first_of(scope, "name")
    exception = first_of(told, "exception.type")
    summary = body or ": ".join(filter(None, (exception, told.get("exception.message", ""))))
    at = record.get("timeUnixNano") if unix_time_of(record.get("timeUnixNano")) else None
    at = at or record.get("observedTimeUnixNano")
    component = _component(told | dict(resource), scope)
    return a_signal(
        message,
        fingerprint=digest(component, logger, exception, _without_digits(summary)),
        component=component,
        summary=summary or logger,
        description=first_of(told, "exception.stacktrace", "exception.message"),
        state=SignalState.FIRING,
        severity=severity,
        started_at=unix_time_of(at),
        told_at=f"{text_of(at, 30)}/{first_of(record, 'spanId')}" if unix_time_of(at) else None,
        labels=_labels(resource, told, record) | ({"logger": logger} if logger else {}),
        body={"resource": resource, "scope": scope, "record": record},
    )


def _severity(record: Mapping[str, Any], told: Mapping[str, str]) -> Severity:
    number = record.get("severityNumber")
    if isinstance(number, str) and not number.isdigit():
        name = number.removeprefix("SEVERITY_NUMBER_").rstrip("234").lower()
        return Severity.INFO if name in _LOW else severity_of(name)
    try:
        told_number = int(number or 0)
    except (TypeError, ValueError, OverflowError):
        told_number = 0
    for least, severity in _SEVERITIES:
        if told_number >= least:
            return severity
    said = text_of(record.get("severityText")).lower()
    if said:
        return Severity.INFO if said in _LOW else severity_of(said)
    return Severity.ERROR if first_of(told, "exception.type") else Severity.UNKNOWN


def _of_span(
    message: Message, resource: Mapping[str, str], scope: Mapping[str, Any], span: Mapping[str, Any]
) -> Signal:
    """Give the signal of a span that failed, with the exception that was recorded in it."""
    name, said = first_of(span, "name"), first_of(mapping_of(span.get("status")), "message")
    events = [mapping_of(one) for one in list_of(span.get("events"))]
    thrown = next((one for one in events if one.get("name") == "exception"), {})
    told = _attributes(span.get("attributes")) | _attributes(thrown.get("attributes"))
    exception = first_of(told, "exception.type")
    why = said or ": ".join(filter(None, (exception, told.get("exception.message", ""))))
    component = _component(told | dict(resource), scope)
    return a_signal(
        message,
        fingerprint=digest(component, name, exception, _without_digits(why)),
        component=component,
        summary=": ".join(filter(None, (name, why))) or "a span failed",
        description=first_of(told, "exception.stacktrace", "exception.message"),
        state=SignalState.FIRING,
        severity=Severity.ERROR,
        started_at=unix_time_of(span.get("startTimeUnixNano")),
        told_at="/".join(filter(None, (first_of(span, "traceId"), first_of(span, "spanId")))),
        labels=_labels(resource, told, span) | ({"span": name} if name else {}),
        body={"resource": resource, "scope": scope, "span": span},
    )


def _component(attributes: Mapping[str, str], scope: Mapping[str, Any]) -> str:
    """Name the service; a service that nobody named is `unknown_service`, of whatever process."""
    service = first_of(attributes, "service.name")
    if service and not service.startswith("unknown_service"):
        return service
    return first_of(attributes, *_THINGS) or service or first_of(scope, "name")


def _labels(
    resource: Mapping[str, str], told: Mapping[str, str], emitted: Mapping[str, Any]
) -> dict[str, str]:
    labels = {name: text[:2000] for name, text in (dict(resource) | dict(told)).items() if text}
    labels.pop("exception.stacktrace", None)
    ids = (("trace_id", first_of(emitted, "traceId")), ("span_id", first_of(emitted, "spanId")))
    return labels | {name: text for name, text in ids if text}


def _without_digits(text: str) -> str:
    return re.sub(r"\d+", "", text)


KIND = Kind(
    name="opentelemetry",
    title="OpenTelemetry (OTLP/HTTP)",
    expects="An OTLP/HTTP exporter of logs, and of traces if wanted, with this address as its "
    "`logs_endpoint` and `traces_endpoint`, in JSON or protobuf, plain or gzipped.",
    documentation="https://opentelemetry.io/docs/specs/otlp/#otlphttp",
    read=read,
)
