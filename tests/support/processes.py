"""Services as processes of their own, which tests start, kill and stop."""

import asyncio
import ctypes
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import httpx

from mejora.embedded.kafka_settings import free_port

_READY_SECONDS = 60.0
_END_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1


def _forks() -> ForkServerContext:
    """Give what forks processes off one that has imported everything already: starting is quick."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mejora.main", "pytest"])
    return context


_FORKS = _forks()


def _become(command: Sequence[str], environment: Mapping[str, str], log: str, wish: str) -> None:
    """Become what `python -m mejora.main <command>` is, with its points wrapped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    from mejora.main import app
    from support.kill_points import install

    install(Path(wish))
    app(command)


class ServiceProcess:
    """A service that can be started again and again, at the same address and on the same stores."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = command[-1]
        self.log = folder / f"{self.name}.log"
        self._command = list(command)
        self._wish = folder / f"{self.name}.wish"
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._environment = {**environment, "MEJORA_PORT": str(port), "PORT": str(port)}
        self._process: ForkServerProcess | None = None

    def start(self) -> None:
        """Start it."""
        self._wish.unlink(missing_ok=True)
        arguments = (self._command, self._environment, str(self.log), str(self._wish))
        self._process = _FORKS.Process(target=_become, args=arguments, daemon=True)
        self._process.start()

    async def ready(self) -> None:
        """Wait until it answers that it is ready."""
        async with httpx.AsyncClient(base_url=self.address) as client:
            deadline = asyncio.get_running_loop().time() + _READY_SECONDS
            while asyncio.get_running_loop().time() < deadline:
                try:
                    if (await client.get("/readyz")).is_success:
                        return
                except httpx.TransportError:
                    pass
                assert self._process is not None and self._process.is_alive(), self.tail()
                await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready:\n{self.tail()}")

    async def wish(self, **wanted: object) -> None:
        """Have it killed at a point (`kill`, `passes`), or send records `twice`."""
        assert self._process is not None and self._process.pid is not None
        aside = self._wish.with_suffix(".new")
        aside.write_text(json.dumps(wanted))
        aside.rename(self._wish)
        os.kill(self._process.pid, signal.SIGUSR1)
        async with asyncio.timeout(10):
            while self._wish.exists():
                await asyncio.sleep(0.01)

    @property
    def pid(self) -> int:
        """Give its process id; it must have been started."""
        assert self._process is not None and self._process.pid is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether it is alive."""
        return self._process is not None and self._process.is_alive()

    async def ended(self, seconds: float = _END_SECONDS) -> int:
        """Wait until it has ended and give its exit code: minus the signal's number if one did."""
        assert self._process is not None
        try:
            async with asyncio.timeout(seconds):
                while self._process.exitcode is None:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{self.name} does not end:\n{self.tail()}") from None
        return self._process.exitcode

    def terminate(self) -> None:
        """Ask it to stop in order."""
        assert self._process is not None
        self._process.terminate()

    async def kill(self) -> None:
        """End it if it is alive."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            await self.ended()

    def tail(self, lines: int = 30) -> str:
        """Give the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
