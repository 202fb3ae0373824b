"""What the embedded servers share: one owner a folder, children that end with us, waiting."""

import asyncio
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals
from typing import IO

import psutil

from mejora.embedded.account import Account

_LAUNCHER = Path(__file__).with_name("_launch.py")
_LOOK_SECONDS = 0.01


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot do what was asked; the message says why and what to do."""


class Ownership:
    """The right to run the server of one folder: held by one living process, freed by its death."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "owner.lock"
        self._file: IO[str] | None = None

    def take(self, server: str) -> None:
        """Take it or raise: two servers on one folder would destroy its data."""
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise EmbeddedServerError(
                f"The {server} in {self._path.parent} belongs to a process that is running. "
                "Stop that one, or give this one a data folder of its own."
            ) from None
        self._file = file

    def give_back(self) -> None:
        """Let the next one have it; harmless when it was never taken."""
        if self._file is not None:
            self._file.close()
            self._file = None


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    death_signal: Signals,
    folder: Path,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server that ends by `death_signal` when the calling thread or process ends.

    It writes to `log`, whose predecessor is kept as `<log>.1`. It has a session of its own, so that
    Ctrl-C reaches us alone and the order of shutdown stays ours.
    """
    with suppress(FileNotFoundError):
        log.replace(log.with_name(log.name + ".1"))
    account_argument = f"{account.uid}:{account.gid}" if account else "-"
    parent, signal = str(os.getpid()), str(int(death_signal))
    with log.open("ab") as output:
        return subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                _LAUNCHER,
                parent,
                signal,
                account_argument,
                "--",
                *command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )


async def until(true: Callable[[], bool], *, seconds: float) -> bool:
    """Look every 10 ms whether it is true; say whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True


async def end(process: psutil.Process, *signals: tuple[Signals, float]) -> None:
    """Send each signal in turn, and give each its seconds, until the process has ended."""
    for signal, seconds in signals:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal)
        if await until(lambda: has_ended(process), seconds=seconds):
            return
    names = " and ".join(signal.name for signal, _ in signals)
    raise EmbeddedServerError(f"Process {process.pid} does not end by {names}. End it by hand.")


def has_ended(process: psutil.Process) -> bool:
    """Whether the process is gone; a child that nobody has waited for yet counts as gone."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def tail(log: Path, *, lines: int = 15) -> str:
    """The end of a log, for error messages."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(there is no log)"
