"""What can be seen from outside: logs as JSON, metrics for Prometheus, traces by OpenTelemetry."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

from mejora_events.tracing import current_traceparent, doing, open_spans_with

REQUESTS = Histogram(
    "mejora_http_request_seconds",
    "Time to answer a request.",
    ["service", "method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
EVENTS_APPLIED = Gauge("mejora_events_applied", "Events that took effect.", ["service"])
EVENTS_REPEATED = Gauge(
    "mejora_events_repeated", "Events that came again and were passed over.", ["service"]
)
EVENTS_PARKED = Gauge("mejora_events_parked", "Records that became dead letters.", ["service"])
CONSUMER_LAG = Gauge(
    "mejora_consumer_lag", "Records that wait to be read.", ["service", "topic", "partition"]
)
OUTBOX_EVENTS = Gauge("mejora_outbox_events", "Events that the broker has not got.", ["service"])
OUTBOX_AGE = Gauge(
    "mejora_outbox_oldest_seconds", "How long the oldest of them has waited.", ["service"]
)
PERIODIC_FAILURES = Counter(
    "mejora_periodic_failures", "Rounds of a periodic that failed.", ["service", "periodic"]
)


def log_as_json(level: str) -> None:
    """Write every log line, ours and the libraries', as one JSON object with its trace id."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace_id,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in ("uvicorn.access", "aiokafka", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def _add_trace_id(
    _logger: structlog.typing.WrappedLogger, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    traceparent = current_traceparent()
    if traceparent:
        line["trace_id"] = traceparent[3:35]
    return line


def trace_to(endpoint: str, service: str) -> Callable[[], None]:
    """Record spans and send them to an OTLP/HTTP endpoint (…/v1/traces is added).

    Gives what ends it: the last spans are sent then. At the process's end that is done by itself.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("mejora")
    propagator = TraceContextTextMapPropagator()

    def context_of(hop: str | None) -> Context:
        return propagator.extract({"traceparent": hop} if hop else {})

    def link_to(hop: str) -> trace.Link:
        return trace.Link(trace.get_current_span(context_of(hop)).get_span_context())

    @contextmanager
    def open_span(name: str, parent: str | None, links: Sequence[str]) -> Iterator[str]:
        with tracer.start_as_current_span(
            name, context=context_of(parent), links=[link_to(hop) for hop in links]
        ):
            carrier: dict[str, str] = {}
            propagator.inject(carrier)
            with doing(carrier["traceparent"]) as traceparent:
                yield traceparent

    open_spans_with(open_span)

    def end() -> None:
        open_spans_with(None)
        provider.shutdown()

    return end
