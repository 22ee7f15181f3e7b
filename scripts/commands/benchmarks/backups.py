"""Backups of a running server, made as its user would."""

import asyncio
import os
import sys

from scripts.commands.chaos.server_process import Server


async def back_up(server: Server) -> None:
    """Make one in the server's folder, in place of the last. Raises `RuntimeError` if it fails."""
    folder = server.folder / "backups"
    backup = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.commands.backup", folder, "--keep", "1"),
        env=os.environ | {"DATABASE_URL": f"sqlite:///{server.database}"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if await backup.wait() != 0:
        raise RuntimeError("the backup failed")
