"""Runs an application until a signal says stop, and stops it in order."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Coroutine, Iterator
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.loops.auto import auto_loop_factory

from mejora_service import telemetry
from mejora_service.connections import Connection, close_late_ones
from mejora_service.settings import ServiceSettings

_STOP_WITHIN_SECONDS = 20
_COLLECTED_AFTER = 20_000, 20, 20
"""How many objects more than there were, and how many times that, before cycles are looked for."""


class Server(uvicorn.Server):
    """A server that leaves signals to `run_until_signal`: its own way ends the process at once."""

    def __init__(self, application: FastAPI, *, host: str, port: int) -> None:
        self._application = application
        super().__init__(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                http=Connection,
                log_config=None,
                access_log=False,
                lifespan="on",
                server_header=False,
                proxy_headers=False,  # nobody asks where a request came from
                timeout_graceful_shutdown=_STOP_WITHIN_SECONDS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Say at once that we are not ready, so that live followers end and none begins."""
        for runtime in getattr(self._application.state, "runtimes", ()):
            runtime.ready = False
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer. What is in memory by then stays: collecting it again and again would
        stop all requests for a fifth of a second each time."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    async def on_tick(self, counter: int) -> bool:
        """Once a second, close the connections whose requests do not come to an end."""
        if counter % 10 == 0:
            close_late_ones(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def serve_all(self) -> None:
        """Answer until told to stop; raises SystemExit when it could not begin."""
        await self.serve()
        if not self.started:
            raise SystemExit(
                f"{self.config.host}:{self.config.port} could not be served; the log says why."
            )


def run_until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run something; a signal before its server answers ends it in order too.

    Cycles are looked for less often than Python would: what comes and goes by the thousand here,
    signals and events, has none.
    """
    gc.set_threshold(*_COLLECTED_AFTER)

    async def cancellable() -> None:
        this = asyncio.current_task()
        if this is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        await work

    with (
        contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError),
        asyncio.Runner(loop_factory=auto_loop_factory()) as runner,
    ):
        runner.run(cancellable())


def see_to_telemetry(settings: ServiceSettings, name: str) -> None:
    """Write logs as JSON, and send traces where the settings say."""
    telemetry.log_as_json(settings.log_level)
    if settings.otlp_endpoint:
        telemetry.trace_to(settings.otlp_endpoint, f"mejora-{name}")
