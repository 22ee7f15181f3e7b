"""Turn this process into the next version of the server, without a request that is refused.

The process stays the same for pm2, as does the socket for those who connect: they wait for the half
second until the next server is ready.
"""

import asyncio
import os
import sys
from typing import NoReturn

from server.listening import Listening

CHECK_TIMEOUT_S = 60.0


async def why_not() -> str | None:
    """Return why the code and the settings that are there now cannot start; None if they can."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "--check"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"the check of code and settings took over {CHECK_TIMEOUT_S:.0f} s"
    if process.returncode == 0:
        return None
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the check ended with exit code {process.returncode}"


def become_next(listening: Listening) -> NoReturn:
    """Run the server that is on the disk now, in this process. Nothing of this one is left."""
    arguments = [each for each in sys.orig_argv[1:] if each != "--first-steps"]
    environ = os.environ | listening.hand_over()
    os.execve(sys.executable, [sys.executable, *arguments], environ)  # noqa: S606 - ourselves
