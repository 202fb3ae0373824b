"""The embedded form, brought up for the demo in a folder of its own and stopped with it.

It runs as a process of its own, `mejora up`: the demo is outside, as a monitor and operators are,
and the log goes to a file instead of the story.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from mejora.demo.faults import DemoFailed
from mejora.demo.settings import DemoSettings
from mejora.embedded.process import Ownership, spawn

_HOST = "127.0.0.1"
_MARKER = "made-by-mejora-demo"
_START_SECONDS = 120.0
_STOP_SECONDS = 60.0

_IMPATIENT = {
    "MEJORA_SWEEP_SECONDS": "2",
    "MEJORA_OVERDUE_EVERY_SECONDS": "2",
    "MEJORA_PROPOSAL_SECONDS": "2",
}
"""What is overdue or worth proposing is looked for often, so that nobody waits for the story."""


@dataclass(frozen=True, slots=True)
class Running:
    """An embedded form that answers."""

    address: str
    admin_key: str
    log: Path
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Serve on until told to stop; raises DemoFailed if it ends by itself."""
        self.process.wait()
        raise DemoFailed(f"Mejora ended by itself; its log is {self.log}")


@contextmanager
def running(settings: DemoSettings) -> Iterator[Running]:
    """Bring everything up with fresh data; when the block is left, stop it in order."""
    _check_port(settings.port)
    folder = settings.data.absolute()
    given = settings.mejora_admin_key
    key = given.get_secret_value() if given else "demo_" + secrets.token_urlsafe(18)
    with fresh(folder):
        log = folder / "mejora.log"
        process = spawn(
            [sys.executable, "-m", "mejora.main", "up"],
            log=log,
            death_signal=signal.SIGTERM,
            folder=Path.cwd(),
            environment=_IMPATIENT
            | os.environ
            | {"PORT": str(settings.port), "DATA": str(folder), "MEJORA_ADMIN_KEY": key},
        )
        try:
            address = f"http://{_HOST}:{settings.port}"
            _await_ready(address, process, log)
            yield Running(address, key, log, process)
        finally:
            _stop(process)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise DemoFailed(
                f"Port {port} cannot be used ({error.strerror}). "
                "Stop what listens there, or name another one: PORT=8081 make demo"
            ) from error


@contextmanager
def fresh(folder: Path) -> Iterator[None]:
    """Hold an empty folder that is marked as the demo's; what an earlier demo left in it goes.

    Raises DemoFailed for a folder that holds anything else, and EmbeddedServerError for one in
    which a demo is running.
    """
    marker = folder / _MARKER
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            raise DemoFailed(
                f"{folder} holds something that no demo made, so it stays. "
                "Name another folder: DATA=/tmp/mejora-demo make demo"
            )
        earlier = Ownership(folder)
        earlier.take("demo")
        shutil.rmtree(folder)
        earlier.give_back()
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text("The next `mejora demo` removes this folder.\n")
    ours = Ownership(folder)
    ours.take("demo")
    try:
        yield
    finally:
        ours.give_back()


def _await_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoFailed(f"Mejora did not start. Its log ({log}) ends with:\n{_end_of(log)}")
        try:
            if httpx.get(f"{address}/readyz", timeout=5.0).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise DemoFailed(f"Mejora was not ready within {_START_SECONDS:.0f} s; its log is {log}")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-8:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
