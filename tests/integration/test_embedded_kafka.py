"""The embedded Kafka starts from hashed jars and keeps what it acknowledged through any end."""

import asyncio
import shutil
import socket
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from jgo.maven import MavenContext

from mejora.embedded import EmbeddedServerError, KafkaCluster, KafkaServer
from mejora.embedded.jars import LOCK, class_path
from mejora.embedded.kafka_settings import free_port

OWNER_THAT_IS_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from mejora.embedded import KafkaServer

async def main():
    server = KafkaServer(Path(sys.argv[1]), port=int(sys.argv[2]))
    await server.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("facts", 1, 1)])
    producer = AIOKafkaProducer(bootstrap_servers=server.bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait("facts", b"before the kill")
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KafkaServer]:
    """A server that the tests of this module share; its folder's name holds odd characters."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka") / "a name, with – everything=\\")
    await server.start()
    await make_topic(server.bootstrap, "facts")
    yield server
    await server.stop()


async def make_topic(bootstrap: str, name: str, copies: int = 1) -> None:
    """Make a topic of one partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, copies)])
    await admin.close()


async def send(bootstrap: str, value: bytes) -> None:
    """Send one record and wait until it is acknowledged."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=60_000
    )
    await producer.start()
    await producer.send_and_wait("facts", value)
    await producer.stop()


async def newest(bootstrap: str, count: int) -> list[bytes]:
    """The last records of the topic."""
    consumer = AIOKafkaConsumer("facts", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    [partition] = consumer.assignment()
    end = (await consumer.end_offsets([partition]))[partition]
    consumer.seek(partition, max(0, end - count))
    values = [(await consumer.getone()).value for _ in range(min(end, count))]
    await consumer.stop()
    return values


async def test_what_was_acknowledged_survives_stop_and_kill_at_the_same_address(
    running: KafkaServer,
) -> None:
    address = running.bootstrap
    await send(address, b"before the stop")
    await running.stop()
    await running.start()
    await send(address, b"before the kill")
    await running.kill()
    assert not running.running
    await running.start()

    assert running.bootstrap == address
    assert await newest(address, 2) == [b"before the stop", b"before the kill"]


async def test_a_broker_that_was_away_answers_what_was_asked_meanwhile(
    running: KafkaServer,
) -> None:
    running.pause()
    sending = asyncio.create_task(send(running.bootstrap, b"sent while it was away"))
    await asyncio.sleep(4)
    assert not sending.done()

    running.resume()

    await asyncio.wait_for(sending, 60)
    assert await newest(running.bootstrap, 1) == [b"sent while it was away"]


async def test_it_makes_no_topic_by_itself(running: KafkaServer) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=running.bootstrap)
    await admin.start()
    await admin.describe_topics(["never-made"])
    assert "never-made" not in await admin.list_topics()
    await admin.close()


async def test_it_listens_on_this_machine_alone(running: KafkaServer) -> None:
    process = psutil.Process(int((running.folder / "kafka.pid").read_text()))
    listening = [each for each in process.net_connections("inet") if each.status == "LISTEN"]
    assert len(listening) == 2
    assert {each.laddr.ip.removeprefix("::ffff:") for each in listening} == {"127.0.0.1"}


async def test_one_folder_has_one_owner(running: KafkaServer) -> None:
    with pytest.raises(EmbeddedServerError, match="belongs to a process that is running"):
        await KafkaServer(running.folder).start()


async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedServerError, match=f"{port}: another program does"):
            await KafkaServer(tmp_path / "kafka", port=port).start()


async def test_after_a_kill_of_its_owner_the_next_start_has_everything(tmp_path: Path) -> None:
    folder, port = tmp_path / "kafka", free_port()
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER_THAT_IS_KILLED, str(folder), str(port)
    )
    assert await owner.wait() == -SIGKILL

    server = KafkaServer(folder, port=port)
    await server.start()

    assert await newest(server.bootstrap, 1) == [b"before the kill"]
    await server.stop()


async def test_three_nodes_go_on_without_one(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path, nodes=3)
    await cluster.start()
    await make_topic(cluster.bootstrap, "facts", copies=3)
    await send(cluster.bootstrap, b"with all")

    await cluster.nodes[0].kill()
    left = ",".join(node.bootstrap for node in cluster.nodes[1:])
    await send(left, b"without one")

    assert await newest(left, 2) == [b"with all", b"without one"]
    await cluster.stop()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache of jars like the user's, whose files can be tampered with."""
    for jar in class_path():
        copy = tmp_path / "cache" / jar.relative_to(MavenContext().repo_cache)
        copy.parent.mkdir(parents=True)
        copy.symlink_to(jar)
    return tmp_path / "cache"


def test_a_jar_with_another_hash_is_refused(cache: Path) -> None:
    jar = next(cache.rglob("kafka-clients-*.jar"))
    original = jar.resolve()
    jar.unlink()
    shutil.copyfile(original, jar)
    assert jar in class_path(cache=cache)

    with jar.open("ab") as file:
        file.write(b"\0")

    with pytest.raises(EmbeddedServerError, match=r"kafka-clients.*is not the jar"):
        class_path(cache=cache)


def test_every_jar_has_a_hash() -> None:
    for jar in tomllib.loads(LOCK.read_text())["dependencies"]:
        assert len(jar["sha256"]) == 64, jar


def test_without_a_network_it_says_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    next(cache.rglob("slf4j-simple-*.jar")).unlink()
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the port where nobody listens

    with pytest.raises(EmbeddedServerError, match=r"slf4j-simple.*needs the network.*copy"):
        class_path(cache=cache)
    assert not list(cache.rglob("slf4j-simple-*.jar"))
