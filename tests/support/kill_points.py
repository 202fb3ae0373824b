"""Ends this process by SIGKILL exactly where a test says, or sends every record twice.

The product knows nothing of this: a service's process is made by a test, and before the service
begins, the functions around each commit and acknowledgement are wrapped here. A test says what it
wants through a file and SIGUSR1, so that a service can start and settle before it is in danger.
"""

import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiokafka import AIOKafkaConsumer
from starlette.types import Receive, Scope, Send

from mejora_events import inbox
from mejora_events.consumer import Consumer
from mejora_events.record import Record
from mejora_events.relay import Relay
from mejora_events.store import Store, Work
from mejora_events.transports.kafka import KafkaProducer
from mejora_events.transports.postgres import PostgresProducer, PostgresSubscriber
from mejora_service.coalesce import Lane
from mejora_service.host import Frame
from mejora_service.web import Command

POINTS = {
    "taking.before-commit": "signals are written, and not committed",
    "taking.committed": "signals are committed, and nobody has been answered",
    "taking.answered": "the answer to signals is on its way",
    "command.before-commit": "what a command does is written, and not committed",
    "command.committed": "what a command does is committed, and nobody has been answered",
    "reaction.received": "the inbox has the events, and they had no effect yet",
    "reaction.before-commit": "the effects of events are written, and not committed",
    "reaction.committed": "the effects of events are committed, and their offsets are not",
    "offsets.before-commit": "offsets are about to be committed",
    "offsets.committed": "offsets are committed",
    "relay.before-publish": "events of the outbox are about to be published",
    "relay.published": "the broker has confirmed events, and the outbox still has them",
    "relay.confirmed": "events have left the outbox",
}
"""Where a process can be killed, and how things stand there."""

SESSION_MS = 3_000
"""How long a member of a group may be silent before its partitions go to others."""

_doing: ContextVar[str] = ContextVar("doing", default="frame")
"""Whose transaction is open."""


class _Wish:
    """What the test wants, and how many passes are left."""

    point: str | None = None
    passes = 1
    twice = False


def _reached(point: str) -> None:
    if _Wish.point == point:
        _Wish.passes -= 1
        if _Wish.passes <= 0:
            os.write(2, f"killed at {point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)


def install(wish: Path) -> None:
    """Wrap the points, and follow the wish in a file whenever SIGUSR1 comes."""

    def follow(_number: int, _frame: object) -> None:
        wanted = json.loads(wish.read_text())
        _Wish.point, _Wish.passes = wanted.get("kill"), wanted.get("passes", 1)
        _Wish.twice = wanted.get("twice", False)
        wish.unlink()

    signal.signal(signal.SIGUSR1, follow)
    _wrap_transactions()
    _wrap_broker()


def _wrap_transactions() -> None:
    append, begin, receive = Work.append_to_outbox, Store.begin, inbox.receive

    async def append_then_pass(self: Work) -> None:
        await append(self)
        _reached(f"{_doing.get()}.before-commit")

    @asynccontextmanager
    async def begin_then_pass(self: Store, **given: Any) -> AsyncIterator[Work]:
        async with begin(self, **given) as work:
            yield work
        _reached(f"{_doing.get()}.committed")

    async def receive_then_pass(*args: Any) -> Any:
        due = await receive(*args)
        _reached("reaction.received")
        return due

    patch.object(Work, "append_to_outbox", append_then_pass).start()
    patch.object(Store, "begin", begin_then_pass).start()
    patch.object(inbox, "receive", receive_then_pass).start()
    for kind, name, doing in (
        (Lane, "_committed", "taking"),
        (Consumer, "_apply", "reaction"),
        (Command, "_run_once", "command"),
    ):
        _say_whose(kind, name, doing)
    answer = Frame.__call__

    async def answer_then_pass(self: Frame, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(self, scope, receive, send)
        if scope["path"].endswith("/v1/signals"):
            _reached("taking.answered")

    patch.object(Frame, "__call__", answer_then_pass).start()


def _say_whose(kind: type[Any], name: str, doing: str) -> None:
    original = getattr(kind, name)

    async def do(*args: Any, **named: Any) -> Any:
        before = _doing.set(doing)
        try:
            return await original(*args, **named)
        finally:
            _doing.reset(before)

    patch.object(kind, name, do).start()


def _wrap_broker() -> None:
    take_round, join = Relay._round, AIOKafkaConsumer.__init__

    async def take_round_then_pass(self: Relay, *args: Any) -> int:
        confirmed = await take_round(self, *args)
        if confirmed:
            _reached("relay.confirmed")
        return confirmed

    def join_for_a_short_session(self: Any, *topics: Any, **settings: Any) -> None:
        """A killed member keeps its partitions for its session: do not wait long for that."""
        short = {"session_timeout_ms": SESSION_MS, "heartbeat_interval_ms": SESSION_MS // 4}
        join(self, *topics, **{**settings, **short})

    patch.object(Relay, "_round", take_round_then_pass).start()
    patch.object(AIOKafkaConsumer, "__init__", join_for_a_short_session).start()
    for producer in (KafkaProducer, PostgresProducer):
        _wrap_publishing(producer)
    for subscriber, commit in ((AIOKafkaConsumer, "commit"), (PostgresSubscriber, "_commit")):
        _wrap_offsets(subscriber, commit)


def _wrap_publishing(producer: type[Any]) -> None:
    publish = producer.publish

    async def publish_and_pass(self: Any, records: Sequence[Record]) -> None:
        _reached("relay.before-publish")
        if _Wish.twice:
            records = [record for record in records for _ in range(2)]
        await publish(self, records)
        _reached("relay.published")

    patch.object(producer, "publish", publish_and_pass).start()


def _wrap_offsets(subscriber: type[Any], name: str) -> None:
    commit = getattr(subscriber, name)

    async def commit_and_pass(self: Any, *args: Any) -> None:
        _reached("offsets.before-commit")
        await commit(self, *args)
        _reached("offsets.committed")

    patch.object(subscriber, name, commit_and_pass).start()
