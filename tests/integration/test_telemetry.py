"""A trace goes from a request into its event, and on into the event that this one causes."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mejora_events.contracts.changes import ChangeKind
from mejora_events.envelope import Event, decode
from mejora_events.record import Record
from mejora_events.sql import from_json
from mejora_events.tracing import doing, next_hop, trace_of
from mejora_service import telemetry
from support.counter import changed
from support.counting import Counter, a_runtime, serving
from support.ground import delivered
from support.spans import a_receiver

LOGGED = """
select l.topic, l.key, l.headers, l.value from log_record l
where l.key = :key order by l.partition, l."offset"
"""


async def events_of(counter: Counter, key: str, count: int) -> list[Event[Any]]:
    """Give the events of a key as they stand on the log."""
    await counter.until_there_are(1, "select 1 from heard where name = :key", key=key)
    found = await counter.until_there_are(count, LOGGED, key=key)
    records = [Record(r["topic"], r["key"], from_json(r["headers"]), r["value"]) for r in found]
    return [decode(delivered(record)) for record in records]


async def test_an_event_and_the_one_it_causes_go_on_with_the_requests_trace(database: str) -> None:
    asked = next_hop(None)
    async with serving(a_runtime(database)) as counter:
        await counter.add("a", traceparent=asked)
        first, second = await events_of(counter, "a", 2)
    assert trace_of(first.traceparent) == trace_of(asked) == trace_of(second.traceparent)
    assert len({asked, first.traceparent, second.traceparent}) == 3, "each hop has its own span"
    assert first.trace_origin == second.trace_origin == first.traceparent
    assert (first.causation_id, second.causation_id) == (None, str(first.id))
    assert first.correlation_id == second.correlation_id == "a"


async def test_events_of_one_batch_stay_in_the_traces_of_their_causes(database: str) -> None:
    runtime = a_runtime(database)
    asked = {f"thing {n}": next_hop(None) for n in range(5)}
    async with serving(runtime) as counter:
        async with runtime.store.begin(actor="test") as work:
            for name, hop in asked.items():
                with doing(hop):
                    work.emit(changed(name, ChangeKind.DEPLOYMENT, work.now))
        for name, hop in asked.items():
            _, caused = await events_of(counter, name, 2)
            assert trace_of(caused.traceparent) == trace_of(hop)
            assert caused.trace_origin == hop


async def test_spans_of_a_request_and_of_the_reaction_to_its_event_share_a_trace(
    database: str,
) -> None:
    with a_receiver() as (endpoint, spans):
        end = telemetry.trace_to(endpoint, "counter of the tests")
        try:
            async with serving(a_runtime(database)) as counter:
                await counter.add("a")
                first, second = await events_of(counter, "a", 2)
        finally:
            end()
    (posted,) = [span for span in spans if span.name == "POST /counter/v1/things"]
    reacted = [span for span in spans if span.trace_id == posted.trace_id and span is not posted]
    assert posted.service == "counter of the tests"
    assert posted.trace_id == trace_of(first.traceparent) == trace_of(second.traceparent)
    assert (first.traceparent or "")[36:52] == posted.span_id
    assert any(
        span.name == "react mejora.change.recorded.v1" and span.parent_id == posted.span_id
        for span in reacted
    )


@contextmanager
def logging_as_json() -> Iterator[None]:
    """Log as a service does, and give pytest its own handlers back."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        telemetry.log_as_json("INFO")
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def test_log_lines_are_json_with_the_trace_that_they_belong_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hop = next_hop(None)
    with logging_as_json():
        log = logging.getLogger("mejora_service.a_room")
        log.info("nothing is traced here")
        with doing(hop):
            try:
                raise ZeroDivisionError("of the inside")
            except ZeroDivisionError:
                log.exception("a request of %s failed", "somebody", extra={"route": "/v1/things"})
    untraced, traced = map(json.loads, capsys.readouterr().err.splitlines())
    assert "trace_id" not in untraced
    assert (untraced["event"], untraced["level"]) == ("nothing is traced here", "info")
    assert traced["trace_id"] == trace_of(hop)
    assert traced["event"] == "a request of somebody failed"
    assert traced["route"] == "/v1/things"
    assert traced["logger"] == "mejora_service.a_room"
    assert "ZeroDivisionError: of the inside" in traced["exception"]
