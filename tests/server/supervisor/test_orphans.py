"""No engine outlives its server, whatever the two are doing."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.server.supervisor.scene import HONEST, children_of, misbehaving
from tests.waiting import limit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SERVE = """
import asyncio, pathlib, sys
from tests.builders import event_entry
from tests.server.supervisor.scene import scene

async def main():
    async with scene(pathlib.Path(sys.argv[1])) as stage, stage.supervising(sys.argv[2:]):
        await stage.running()
        for kind in ("Boom", "Hang"):
            await stage.accept(kind)
        await stage.decided(1)
        print("decided", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_no_engine_starts_for_a_server_that_is_gone() -> None:
    server = await asyncio.create_subprocess_exec("true")
    await server.wait()
    launch = await asyncio.create_subprocess_exec(
        sys.executable,
        ROOT / "server/supervisor/launch.py",
        str(server.pid),
        *("echo", "started"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with limit():
        started, reason = await launch.communicate()
    assert (launch.returncode, started) == (1, b"")
    assert reason == b"the server ended before the engine started\n"


@pytest.mark.parametrize("command", [HONEST, misbehaving("stubborn"), misbehaving("hung")])
@pytest.mark.parametrize("stopped", [False, True])
async def test_the_engine_ends_when_the_server_is_killed(
    tmp_path: Path, command: tuple[str, ...], stopped: bool
) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(tmp_path), *command, cwd=ROOT, stdout=-1
    )
    assert server.stdout is not None
    assert await server.stdout.readline() == b"decided\n"
    (engine,) = children_of(server.pid)
    descriptor = os.pidfd_open(engine)
    if stopped:
        os.kill(engine, signal.SIGSTOP)
    server.send_signal(signal.SIGKILL)
    await server.wait()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    try:
        async with limit():
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
