"""Only the owner of the data folder can read the files in it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.storage.database import migrate, open_database
from server.storage.files.private_files import keep_private, write_private
from server.storage.journal.journal import open_journal
from server.storage.main import people
from tests.builders import event_entry


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """A machine on which new files are readable by everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


async def test_databases_and_what_sqlite_keeps_beside_them_are_for_their_owner(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pushlog.db"
    assert migrate(path)
    async with (
        open_database(path) as database,
        open_journal(tmp_path / "pushlog-journal.db") as journal,
    ):
        await journal.append([event_entry(seq=None, received=None)], None)
        async with database.write() as tx:
            await people.make_operator(tx)
            found = modes(tmp_path)
    del found["pushlog-journal.db.lock"]
    assert len(found) == 6
    assert set(found.values()) == {0o600}


async def test_those_of_before_are_taken_from_others_and_keep_what_is_in_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pushlog-journal.db"
    async with open_journal(path) as journal:
        await journal.append([event_entry(seq=None, received=None)], None)
    for name in ("pushlog-journal.db", "pushlog-journal.db-wal", "pushlog-journal.db-shm"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o664)
    assert not keep_private(path)
    assert set(modes(tmp_path).values()) - {0o644} == {0o600}
    async with open_journal(path) as journal:
        assert journal.last_seq == 1


def test_rights_that_are_narrower_stay(tmp_path: Path) -> None:
    path = tmp_path / "pushlog.db"
    path.touch(0o400)
    assert not keep_private(path)
    assert modes(tmp_path) == {"pushlog.db": 0o400}


def test_all_is_written_however_little_is_taken_at_once(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    write_private(tmp_path / "whole", content)
    assert (tmp_path / "whole").read_bytes() == content
    assert modes(tmp_path) == {"whole": 0o600}
    write_private(tmp_path / "whole", b"less")
    assert (tmp_path / "whole").read_bytes() == b"less"
