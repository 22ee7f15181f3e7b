"""Main databases to start from: migrated once and copied, which takes no time."""

import asyncio
import functools
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server.storage.database import migrate, open_database
from tests.signed_in import let_in


def make_database(path: Path) -> Path:
    """An empty main database at `path`, in which only the operator is, let in; one that is there
    stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(_empty())
    return path


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pushlog.db"
        migrate(path)
        # In a thread, since the caller may have a loop that runs.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _let_operator_in(path)).result()
        return path.read_bytes()


async def _let_operator_in(path: Path) -> None:
    async with open_database(path) as database, database.write() as tx:
        await let_in(tx)
