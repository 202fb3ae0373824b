"""The command `mejora` as a person starts it: a process of its own, in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from mejora.embedded.kafka_settings import free_port

_READY_SECONDS = 120.0
_END_SECONDS = 60.0
_SETTINGS = ("BROKER", "KAFKA_PORT", "DATA", "PORT", "DEMO_EXIT")


def environment(**settings: object) -> dict[str, str]:
    """Give the environment that a command sees: ours, without settings that are not given."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _SETTINGS and not name.startswith("MEJORA_")
    }
    return kept | {name: str(value) for name, value in settings.items()}


def mejora(*arguments: str) -> list[str]:
    """Give the command line."""
    return [sys.executable, "-m", "mejora.main", *arguments]


@contextmanager
def an_embedded_form(folder: Path, admin_key: str) -> Iterator[str]:
    """Run `mejora up` and give its address; stop it in order afterwards."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            mejora("up"),
            env=environment(PORT=port, DATA=folder / "data", MEJORA_ADMIN_KEY=admin_key),
            stdout=log,
            stderr=log,
        )
        try:
            _await_ready(address, process, folder / "log")
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_END_SECONDS)


def _await_ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"it was not ready in time:\n{log.read_text()}")
