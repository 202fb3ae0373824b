"""What OpenTelemetry's exporters send by OTLP/HTTP, by its specification."""

from datetime import UTC, datetime

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from mejora_events.contracts.base import Severity
from mejora_intake.model import SignalState
from mejora_intake.sources.kind import NotUnderstood
from mejora_intake.sources.opentelemetry import read
from support.messages import Expected, a_message, assert_understood

AT = datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
NANOS = "1772366280000000000"


def attributes(**given: str) -> list[dict[str, object]]:
    return [
        {"key": name.replace("_", "."), "value": {"stringValue": value}}
        for name, value in given.items()
    ]


def a_record(body: str = "Payment 17 failed", **given: object) -> dict[str, object]:
    return {
        "timeUnixNano": NANOS,
        "severityNumber": 17,
        "severityText": "ERROR",
        "body": {"stringValue": body},
    } | given


def logs(*records: object, service: str = "payments") -> dict[str, object]:
    scope = {"scope": {"name": "shop.pay"}, "logRecords": list(records)}
    resource = {"attributes": attributes(service_name=service, host_name="web01")}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}


def traces(*spans: object) -> dict[str, object]:
    resource = {"attributes": attributes(service_name="payments")}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


def a_span(**given: object) -> dict[str, object]:
    return {
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "name": "POST /pay",
        "startTimeUnixNano": NANOS,
        "status": {"code": 2, "message": "declined"},
    } | given


def test_an_error_that_was_logged_is_a_failure_of_the_service() -> None:
    (signal,) = read(a_message(logs(a_record()))).signals
    assert (signal.component, signal.summary) == ("payments", "Payment 17 failed")
    assert (signal.state, signal.severity) == (SignalState.FIRING, Severity.ERROR)
    assert signal.started_at == AT
    assert signal.labels is not None and signal.labels["host.name"] == "web01"


@pytest.mark.parametrize(
    ("number", "severity"),
    [
        (13, Severity.WARNING),
        (16, Severity.WARNING),
        ("20", Severity.ERROR),
        ("SEVERITY_NUMBER_FATAL2", Severity.CRITICAL),
        (24, Severity.CRITICAL),
    ],
)
def test_the_severity_is_its_number(number: object, severity: Severity) -> None:
    (signal,) = read(a_message(logs(a_record(severityNumber=number)))).signals
    assert signal.severity is severity


@pytest.mark.parametrize("number", [1, 5, 9, 12, "SEVERITY_NUMBER_DEBUG3"])
def test_info_and_below_tell_of_no_failure(number: object) -> None:
    understood = read(a_message(logs(a_record(severityNumber=number))))
    assert (understood.signals, understood.remarks) == ([], ["logs that tell of no failure"])


def test_a_severity_may_be_a_word_or_an_exception_only() -> None:
    worded = a_record(severityNumber=0, severityText="Warn")
    thrown = a_record(
        severityNumber=None, severityText="", attributes=attributes(exception_type="IOError")
    )
    told = [signal.severity for signal in read(a_message(logs(worded, thrown))).signals]
    assert told == [Severity.WARNING, Severity.ERROR]


def test_the_same_text_with_other_digits_is_the_same_failure() -> None:
    one, other, another = read(
        a_message(logs(a_record(), a_record("Payment 18 failed"), a_record("Refund 18 failed")))
    ).signals
    assert one.fingerprint == other.fingerprint != another.fingerprint


def test_an_exception_says_what_failed_when_there_is_no_text() -> None:
    told = attributes(
        exception_type="IOError", exception_message="no route", exception_stacktrace="at pay.py"
    )
    (signal,) = read(a_message(logs(a_record(body="", attributes=told)))).signals
    assert (signal.summary, signal.description) == ("IOError: no route", "at pay.py")


def test_a_service_without_a_name_is_known_by_its_host() -> None:
    (signal,) = read(a_message(logs(a_record(), service="unknown_service:python"))).signals
    assert signal.component == "web01"


def test_protobuf_says_the_same() -> None:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    service = group.resource.attributes.add(key="service.name")
    service.value.string_value = "payments"
    scope = group.scope_logs.add()
    scope.scope.name = "shop.pay"
    record = scope.log_records.add(time_unix_nano=int(NANOS), severity_number=17)
    record.body.string_value = "Payment 17 failed"
    raw = request.SerializeToString()
    (of_json,) = read(a_message(logs(a_record()))).signals
    (signal,) = read(a_message(raw, content_type="application/x-protobuf")).signals
    assert signal.fingerprint == of_json.fingerprint and signal.started_at == AT


def test_a_span_that_failed_is_a_failure_and_others_are_none() -> None:
    fine = a_span(status={})
    thrown = [{"name": "exception", "attributes": attributes(exception_type="Declined")}]
    (signal,) = read(a_message(traces(fine, a_span(events=thrown)))).signals
    assert (signal.component, signal.summary) == ("payments", "POST /pay: declined")
    assert signal.severity is Severity.ERROR and signal.started_at == AT
    assert read(a_message(traces(fine))).remarks == ["spans that tell of no failure"]


def test_traces_and_metrics_in_protobuf_are_told_apart() -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="POST /pay")
    span.trace_id, span.span_id = b"t" * 16, b"s" * 8
    span.status.code = 2
    headers = {"content_type": "application/x-protobuf"}
    assert len(read(a_message(request.SerializeToString(), **headers)).signals) == 1
    figures = ExportMetricsServiceRequest()
    metric = figures.resource_metrics.add().scope_metrics.add().metrics.add(name="requests")
    metric.sum.data_points.add(as_int=1)
    understood = read(a_message(figures.SerializeToString(), **headers))
    assert understood.remarks == ["metrics that tell of no failure"]


@pytest.mark.parametrize(
    "body", [None, 1, [], {}, {"logs": []}, b"\x1f\x8bno", b"\x00\xff", b"hello"]
)
def test_what_is_no_export_is_refused(body: object) -> None:
    with pytest.raises(NotUnderstood):
        read(a_message(body))


REAL: dict[str, list[Expected]] = {"otlp_metrics.json": [], "otlp_trace.json": []}


def test_the_real_ones_are_understood() -> None:
    assert_understood("opentelemetry", REAL)
