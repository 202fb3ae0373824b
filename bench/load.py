"""A load generator that leaves the machine to what is measured: plain HTTP/1.1 over asyncio.

Each connection sends its next request as soon as the last one is answered; requests are made
before the clock starts. It runs as a process of its own, `python -m bench.load`, which reads an
`Order` from its input and writes a `Delivery` to its output.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self, cast

import orjson
import uvloop
from pydantic import BaseModel

from bench.signals import all_new, in_posts, storm


class Mix(StrEnum):
    """What signals tell of."""

    STORM = "storm"
    """A thousand failures that fire again and again."""
    ALL_NEW = "all_new"
    """Each of a failure of its own."""


class Order(BaseModel):
    """What to send."""

    port: int
    path: str
    key: str
    name: str
    """Begins the signals' ids: no two orders to one service may have the same."""
    mix: Mix = Mix.STORM
    connections: int = 64
    signals_a_post: int = 1
    warm_up_seconds: float = 0.5
    seconds: float = 2.5
    most_signals: int = 60_000
    """Sending ends early when so many are sent."""


class Delivery(BaseModel):
    """What came of it."""

    accepted: int
    """Signals answered with 202, from first to last."""
    per_second: float
    """Signals answered with 202 a second, after warming up."""
    answers: dict[int, int]
    """How many posts were answered with which status."""
    p50_ms: float
    p99_ms: float


def request(port: int, path: str, key: str, body: bytes) -> bytes:
    """Write a POST as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """A connection that is kept alive; one request at a time."""

    def __init__(self) -> None:
        self._got = b""
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None

    @classmethod
    async def to(cls, port: int) -> Self:
        """Open one."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has another base

    def send(self, raw: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future is the whole answer."""
        if self._transport is None:
            raise ConnectionError("the connection is not open")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._got.find(b"content-length: ", 0, head) + 16
        whole = head + 4 + int(self._got[at : self._got.find(b"\r", at)])
        if len(self._got) >= whole and self._answer is not None:
            answer, self._got = self._got[:whole], self._got[whole:]
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server hung up"))

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


def status_of(answer: bytes) -> int:
    """Tell an answer's status."""
    return int(answer[9:12])


@dataclass(slots=True)
class _Sending:
    """An order on its way: all connections draw from one row of requests."""

    requests: Iterator[bytes]
    counted_from: float
    until: float
    answers: Counter[int] = field(default_factory=Counter)
    counted: int = 0
    last_at: float = 0.0
    took: list[float] = field(default_factory=list)

    async def send(self, connection: Connection) -> None:
        clock = time.perf_counter
        now = clock()
        while now < self.until and (raw := next(self.requests, None)) is not None:
            began = now
            answer = await connection.send(raw)
            now = clock()
            status = status_of(answer)
            self.answers[status] += 1
            if status == 202 and self.counted_from <= now <= self.until:
                self.counted += 1
                self.last_at = now
                self.took.append(now - began)


async def deliver(order: Order) -> Delivery:
    """Send what is ordered."""
    mix = storm if order.mix is Mix.STORM else all_new
    bodies = mix(order.name, order.most_signals)
    if order.signals_a_post > 1:
        bodies = in_posts(bodies, order.signals_a_post)
    requests = [request(order.port, order.path, order.key, body) for body in bodies]
    connections = [await Connection.to(order.port) for _ in range(order.connections)]
    counted_from = time.perf_counter() + order.warm_up_seconds
    sending = _Sending(iter(requests), counted_from, counted_from + order.seconds)
    await asyncio.gather(*(sending.send(connection) for connection in connections))
    for connection in connections:
        connection.close()
    ran_out = len(requests) == sending.answers.total()
    seconds = sending.last_at - counted_from if ran_out else order.seconds
    took = sorted(sending.took)
    return Delivery(
        accepted=sending.answers[202] * order.signals_a_post,
        per_second=sending.counted * order.signals_a_post / seconds,
        answers=dict(sending.answers),
        p50_ms=quantile(took, 0.5) * 1000,
        p99_ms=quantile(took, 0.99) * 1000,
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Give the value that such a share of ordered values do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


async def ticks(count: int, per_second: float) -> AsyncIterator[float]:
    """Wait for each of so many points of the wall clock, and give it; those missed come at once."""
    began = time.time()
    for number in range(count):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.time()))
        yield due


async def in_own_process(order: Order) -> Delivery:
    """Have an order sent by a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    answer, _ = await process.communicate(order.model_dump_json().encode())
    if process.returncode != 0:
        raise RuntimeError("the load generator failed; it has said why above")
    return Delivery.model_validate_json(answer)


def main() -> None:
    """Send the order that comes in."""
    order = Order.model_validate_json(sys.stdin.buffer.read())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        delivery = runner.run(deliver(order))
    sys.stdout.buffer.write(
        orjson.dumps(delivery.model_dump(mode="json"), option=orjson.OPT_NON_STR_KEYS)
    )


if __name__ == "__main__":
    main()
