"""Becomes the server it is asked to start: run as a script, never imported.

    _launch.py <parent pid> <signal> <uid>:<gid> | - -- <program> <arguments>

The kernel ends the server when the thread or process that started it ends, however it ends (Linux
only; elsewhere the next start clears it away). That must be asked for within the child, after the
change of account, which would undo it; doing it here and not in `preexec_fn` keeps it safe in a
process that has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def main(parent: int, death_signal: int, account: str, command: list[str]) -> None:
    """Give up root's account if another is named, ask for the signal, become the server."""
    if account != "-":
        uid, gid = (int(number) for number in account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != parent:  # it ended before we asked
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is meant to be between


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[5:])
