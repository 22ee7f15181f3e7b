"""A pgbouncer of the tests' own, between a server and PostgreSQL."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scripts.commands.chaos.postgres_process import Postgres
from tests.waiting import LIMIT_S, until

_SETTINGS = """
[databases]
* = host={database} user=pushlog
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 3
query_wait_timeout = {limit:.0f}
"""


@contextlib.asynccontextmanager
async def running_pgbouncer(postgres: Postgres) -> AsyncIterator[Path]:
    """The folder of its socket. It pools transactions, and has few connections to PostgreSQL."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    # A short path, as that of a socket may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pgbouncer", dir="/tmp") as name:
        folder = Path(name)
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            _SETTINGS.format(database=postgres.socket.parent, folder=folder, limit=LIMIT_S)
        )
        as_user: list[str] = []
        if os.getuid() == 0:
            # It refuses to run as root.
            as_user = ["-u", "postgres"]
            shutil.chown(folder, "postgres", "postgres")
        process = await asyncio.create_subprocess_exec(program, "-q", *as_user, settings)
        try:
            await until((folder / ".s.PGSQL.6432").exists)
            yield folder
        finally:
            process.kill()
            await process.wait()
