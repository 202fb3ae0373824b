"""Whose account PostgreSQL runs under: ours, or another's where we are root, which it refuses."""

import os
import pwd
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_NAME = "pgserver"
_MAKE = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME)
_ATTEMPTS = 20
_READ_AND_RUN = stat.S_IROTH | stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    uid: int
    gid: int


def postgres_account() -> Account | None:
    """None where our own account will do. For root the user `pgserver`, made if missing."""
    if os.geteuid() != 0:
        return None
    why = ""
    for _ in range(_ATTEMPTS):  # several processes may be making it at the same moment
        try:
            entry = pwd.getpwnam(_NAME)
            return Account(entry.pw_uid, entry.pw_gid)
        except KeyError:
            why = _make_user()
        time.sleep(0.1)
    raise PermissionError(
        f"PostgreSQL refuses to run as root, and the user {_NAME!r} that it would run as cannot be "
        f"made: {why}. Start as another user than root, or make that user."
    )


def _make_user() -> str:
    """Try to make it; answer what was said against it."""
    try:
        return subprocess.run(_MAKE, check=False, capture_output=True, text=True).stderr.strip()
    except FileNotFoundError:
        return "there is no useradd here"


def let_pass(path: Path) -> None:
    """Let others pass through (not list) the folders above `path`, where they cannot yet."""
    for folder in path.resolve().parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def let_run(programs: Path) -> None:
    """Let others run the wheel's programs, even where it was installed under a strict umask."""
    let_pass(programs)
    if (programs / "postgres").stat().st_mode & _READ_AND_RUN == _READ_AND_RUN:
        return
    package = programs.parent.parent
    for folder in (programs.parent, package.with_name(package.name + ".libs")):
        for path in (folder, *folder.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(
                mode | (_READ_AND_RUN if path.is_dir() or mode & stat.S_IXUSR else stat.S_IROTH)
            )
