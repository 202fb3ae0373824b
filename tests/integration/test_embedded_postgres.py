"""The embedded PostgreSQL keeps what was committed through any end, and lets nobody else in."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL

import asyncpg
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from mejora.embedded import EmbeddedServerError, PostgresServer
from mejora.embedded.postgres_folder import programs
from mejora.embedded.process import until

NOBODY = 65534

OWNER_THAT_IS_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from mejora.embedded import PostgresServer

async def main():
    server = PostgresServer(Path(sys.argv[1]))
    await server.start()
    await server.sql("create table kept as select 'before the kill' as what")
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""

CLIENT = """
import asyncio, sys
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

async def main():
    engine = create_async_engine(sys.argv[1])
    async with engine.begin() as connection:
        await connection.execute(text("create table mine as select current_user::text as who"))
    await engine.dispose()

asyncio.run(main())
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    """A server of its own for a test, not started."""
    server = PostgresServer(tmp_path / "postgres")
    yield server
    await server.stop()


async def run(*command: str | Path, user: int | None = None) -> tuple[int, str]:
    """Run a program to its end, as another user if one is given: its status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def run_python(code: str, *arguments: str) -> int:
    """Run Python code in a process of its own; its status."""
    status, said = await run(sys.executable, "-c", code, *arguments)
    assert "Traceback" not in said, said
    return status


def postmaster(server: PostgresServer) -> int:
    """The number of the server's process."""
    return int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])


async def test_a_service_of_the_same_user_reaches_its_database_by_the_address(
    server: PostgresServer,
) -> None:
    await server.start()
    await server.create_database("intake")
    await server.create_database("intake")

    assert await run_python(CLIENT, server.url("intake")) == 0

    assert await server.sql("select who from mine", database="intake") == [{"who": "mejora"}]
    [role] = await server.sql("select rolsuper from pg_roles where rolname = 'mejora'")
    assert role == {"rolsuper": False}


async def test_it_is_durable(server: PostgresServer) -> None:
    await server.start()
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert await server.sql(f"show {setting}") == [{setting: "on"}]


@pytest.mark.parametrize("immediate", [False, True])
async def test_a_restart_keeps_the_address_and_what_was_committed(
    server: PostgresServer, immediate: bool
) -> None:
    await server.start()
    await server.create_database("intake")
    engine = create_async_engine(server.url("intake"), pool_pre_ping=True)
    async with engine.begin() as connection:
        await connection.execute(text("create table kept as select 7 as number"))

    await server.restart(immediate=immediate)

    async with engine.connect() as connection:
        assert (await connection.execute(text("select number from kept"))).scalar_one() == 7
    await engine.dispose()


async def test_after_a_kill_of_its_owner_the_next_start_has_everything(
    server: PostgresServer,
) -> None:
    assert await run_python(OWNER_THAT_IS_KILLED, str(server.folder)) == -SIGKILL

    await server.start()

    assert await server.sql("select what from kept") == [{"what": "before the kill"}]


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells a child of its parent's end")
async def test_it_ends_by_itself_when_its_owner_is_killed(server: PostgresServer) -> None:
    assert await run_python(OWNER_THAT_IS_KILLED, str(server.folder)) == -SIGKILL

    assert await until(lambda: not (server.folder / "data/postmaster.pid").exists(), seconds=20)


async def test_a_server_left_running_by_a_killed_owner_is_replaced(
    server: PostgresServer,
) -> None:
    await server.start()
    left = psutil.Process(postmaster(server))
    server._ownership.give_back()  # what the owner's death does

    heir = PostgresServer(server.folder)
    await heir.start()

    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    assert await heir.sql("select 1 as one") == [{"one": 1}]
    await heir.stop()


async def test_a_kill_of_the_server_itself_loses_nothing(server: PostgresServer) -> None:
    await server.start()
    await server.sql("create table kept as select 7 as number")
    connection = await asyncpg.connect(host=str(server.socket_folder), user="postgres")
    os.kill(postmaster(server), SIGKILL)
    await until(lambda: not server.running, seconds=10)
    assert not server.running

    await server.start()

    assert await server.sql("select number from kept") == [{"number": 7}]
    connection.terminate()


@pytest.mark.parametrize("content", ["", "nonsense", f"{os.getpid()}\n/elsewhere\n"])
async def test_a_stale_pid_file_does_not_hinder(server: PostgresServer, content: str) -> None:
    await server.start()
    await server.stop()
    (server.folder / "data" / "postmaster.pid").write_text(content)

    await server.start()

    assert await server.sql("select 1 as one") == [{"one": 1}]


@pytest.mark.parametrize("name", ["x" * 200, "a name, with – everything%"])
async def test_a_long_or_odd_path_works(tmp_path: Path, name: str) -> None:
    server = PostgresServer(tmp_path / name / "postgres")
    await server.start()
    await server.create_database("intake")

    assert await run_python(CLIENT, server.url("intake")) == 0

    assert server.socket_folder.stat().st_mode & 0o777 == 0o700
    await server.stop()


async def test_one_folder_has_one_owner(server: PostgresServer) -> None:
    await server.start()
    with pytest.raises(EmbeddedServerError, match="belongs to a process that is running"):
        await PostgresServer(server.folder).start()
    assert await server.sql("select 1 as one") == [{"one": 1}]


async def test_data_of_another_version_is_refused_with_advice(server: PostgresServer) -> None:
    await server.start()
    await server.stop()
    (server.folder / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedServerError, match=r"written by PostgreSQL 16.*Dump it"):
        await server.start()


async def test_it_says_why_it_does_not_start(server: PostgresServer) -> None:
    await server.start()
    await server.stop()
    (server.folder / "data" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedServerError, match="pg_control"):
        await server.start()


async def test_it_listens_on_no_network(server: PostgresServer) -> None:
    await server.start()
    assert psutil.Process(postmaster(server)).net_connections(kind="inet") == []


@pytest.mark.parametrize("name", ["short", "x" * 200])
async def test_another_user_does_not_get_in(tmp_path: Path, name: str) -> None:
    server = PostgresServer(tmp_path / name)
    await server.start()
    folder = server.socket_folder
    for path in (folder, folder / ".s.PGSQL.5432"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    ask = (programs() / "psql", "-h", folder, "-U", "postgres", "-c", "select 1")
    assert (await run(*ask))[0] == 0

    if os.geteuid() == 0:  # only root can try as another user
        status, said = await run(*ask, user=NOBODY)
        assert status != 0
        assert "Permission denied" in said
    await server.stop()


async def test_a_socket_folder_that_somebody_else_made_is_refused(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / ("x" * 200))
    server.socket_folder.mkdir(mode=0o777)
    server.socket_folder.chmod(0o777)
    with pytest.raises(EmbeddedServerError, match="not a private folder"):
        await server.start()
    server.socket_folder.rmdir()
