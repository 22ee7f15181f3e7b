"""A PostgreSQL of one's own, as Debian installs it, which may be killed and started again."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

_USER = "pushlog"


class Postgres:
    """A running PostgreSQL, reached by a socket in its folder."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._binaries = binaries

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{_USER}@/{name}?host={self._folder}"

    @property
    def socket(self) -> Path:
        """Return the socket at which it listens."""
        return self._folder / ".s.PGSQL.5432"

    def execute(self, statement: str) -> None:
        """Run one statement about databases."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, template: str = "template0") -> str:
        """Create a database, and return its address."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def make(self, settings: str, clients: str) -> None:
        """Create its files, with these lines in its configuration and in ``pg_hba.conf``."""
        self._run("initdb", "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "-N")
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.write(
                f"listen_addresses = ''\nunix_socket_directories = '{self._folder}'\n"
                f"max_connections = 200\n{settings}"
            )
        with (self._data / "pg_hba.conf").open("a") as hba:
            hba.write(clients)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "start", "-w", "-s", "-l", str(self._folder / "log"))

    def kill(self) -> None:
        """End it at once, so that the next start has to recover."""
        self._run("pg_ctl", "stop", "-s", "-m", "immediate")

    def _run(self, program: str, *arguments: str) -> None:
        as_user: dict[str, Any] = {}
        if os.getuid() == 0:
            # It refuses to run as root.
            as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        subprocess.run(
            [self._binaries / program, "-D", self._data, *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            **as_user,
        )


def find_binaries() -> Path | None:
    """Return where initdb and pg_ctl are; None if PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return None if elsewhere is None else Path(elsewhere).resolve().parent


@contextlib.contextmanager
def running_postgres(settings: str = "", clients: str = "") -> Iterator[Postgres]:
    """Yield a PostgreSQL in a folder of its own; see `Postgres.make`.

    Raises FileNotFoundError if none is installed.
    """
    binaries = find_binaries()
    if binaries is None:
        raise FileNotFoundError("PostgreSQL is not installed (apt-get install postgresql)")
    # A short path, as that of a socket may have 107 bytes, which its user can reach.
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        postgres = Postgres(folder, binaries)
        postgres.make(settings, clients)
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.kill()
