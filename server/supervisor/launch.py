"""Becomes the engine, as a process that cannot outlive the server or be interrupted with it.

Run as a file of its own, before the engine's command: ``launch.py PARENT COMMAND ARGUMENT…``.
A function between fork and exec could do the same, but must not be in a process with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h; kept by exec."""


def main(arguments: list[str]) -> None:
    """Replace this process by the command; exits with 127 where there is none such."""
    parent, *command = arguments
    # Process managers and terminals interrupt all of a tree: the server ends the engine itself,
    # after the last answers. What is ignored here stays ignored after exec.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        # At the end of its input an engine ends by itself, but not one that hangs.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the server ended before the engine started")
    try:
        os.execvp(command[0], command)  # noqa: S606 - the operator's own command, without a shell
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        sys.exit(127)


main(sys.argv[1:])
