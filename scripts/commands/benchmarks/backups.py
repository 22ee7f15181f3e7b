"""Backups of a server, made and restored as its user would; it has one at a time."""

import asyncio
import os
import sys
from pathlib import Path

from scripts.commands.chaos.server_process import Server


async def back_up(server: Server) -> None:
    """Make one of the running server, in place of the last. Raises `RuntimeError` if it fails."""
    await _run(server, "backup", server.folder / "backups", "--keep", "1")


async def restore(server: Server) -> None:
    """Put it back while the server does not run. Raises `RuntimeError` if it fails."""
    (backup,) = (server.folder / "backups").iterdir()
    await _run(server, "restore", backup)


async def _run(server: Server, name: str, *arguments: str | Path) -> None:
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"scripts.commands.{name}", *arguments),
        env=os.environ | {"DATABASE_URL": f"sqlite:///{server.database}"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if await command.wait() != 0:
        raise RuntimeError(f"scripts/{name} failed")
