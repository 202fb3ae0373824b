"""Programs that others wrote, run as they are installed, each for a test and on its own ports."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT
from typing import Any

import httpx
import pytest
import yaml

from mejora.embedded.kafka_settings import free_port
from support.whole import until

_END_SECONDS = 10.0


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip a test where a program is not installed; the names are those of Debian's packages."""
    missing = [program for program in programs if shutil.which(program) is None]
    reason = f"not installed: {', '.join(missing)}"
    return pytest.mark.skipif(bool(missing), reason=reason)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that answers over HTTP."""

    address: str
    """Host and port, without a scheme."""

    async def figure(self, name: str) -> float:
        """Give the sum of a metric's samples, as the program itself counts."""
        async with httpx.AsyncClient() as client:
            shown = (await client.get(f"http://{self.address}/metrics")).text
        lines = [line for line in shown.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
        assert lines, f"{self.address} has no metric {name}"
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@asynccontextmanager
async def prometheus(folder: Path, **configuration: Any) -> AsyncIterator[Program]:
    """Run a Prometheus that scrapes, evaluates and sends again every second."""
    every_second = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    async with _running(
        "prometheus",
        folder,
        {"global": every_second, **configuration},
        f"--storage.tsdb.path={folder / 'prometheus'}",
        "--rules.alert.resend-delay=1s",
    ) as program:
        yield program


@asynccontextmanager
async def alertmanager(folder: Path, **configuration: Any) -> AsyncIterator[Program]:
    """Run an Alertmanager that has no peers."""
    async with _running(
        "prometheus-alertmanager",
        folder,
        configuration,
        f"--storage.path={folder / 'alertmanager'}",
        "--cluster.listen-address=",
    ) as program:
        yield program


@asynccontextmanager
async def _running(
    name: str, folder: Path, configuration: Any, *arguments: str
) -> AsyncIterator[Program]:
    """Run one of Prometheus' programs, which all take their settings in the same way."""
    file, log = folder / f"{name}.yml", folder / f"{name}.log"
    file.write_text(yaml.safe_dump(configuration))
    program = Program(f"127.0.0.1:{free_port()}")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            name,
            f"--config.file={file}",
            f"--web.listen-address={program.address}",
            *arguments,
            stdout=output,
            stderr=STDOUT,
        )

    async def ready() -> bool:
        assert process.returncode is None, f"{name} has ended:\n{log.read_text()}"
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"http://{program.address}/-/ready")).is_success
        except httpx.TransportError:
            return False

    try:
        await until(ready)
        yield program
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def read_topic(bootstrap: str, topic: str) -> bytes:
    """Give all that a topic holds by now, as kcat shows it: a JSON object on each line."""
    kcat = await asyncio.create_subprocess_exec(
        *("kcat", "-b", bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown, errors = await kcat.communicate()
    assert kcat.returncode == 0, errors.decode()
    return shown
