"""Becomes the engine, as a process that cannot outlive the server or be interrupted with it.

It runs as a file of its own, before the engine's command: ``launch.py PARENT COMMAND ARGUMENT…``. A
function between fork and exec could do the same, but must not run in a process with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""The constant from linux/prctl.h. exec keeps the setting."""


def main(arguments: list[str]) -> None:
    """Replace this process by the command; exit with 127 if the command does not exist."""
    parent, *command = arguments
    # Process managers and terminals interrupt a whole tree of processes. The server ends the engine
    # itself, after the last answers. A signal that is ignored here stays ignored after exec.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        # An engine ends by itself at the end of its input, but an engine that hangs does not.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the server ended before the engine started")
    try:
        os.execvp(command[0], command)  # noqa: S606 - the operator's own command, without a shell
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        sys.exit(127)


main(sys.argv[1:])
