"""Backups as folders: what makes one, what is refused and removed, what a failure leaves."""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.commands.restore import exchange, restore
from server.settings.settings import Settings, read_settings
from server.storage.backup.folder import DATABASE, JOURNAL, MAIL_KEY, examine
from server.storage.backup.make import Refused, back_up
from server.storage.backup.snapshot import Inconsistent, copy_databases, examine_copies
from server.storage.files.key_file import read_or_make_key
from server.storage.journal.journal import open_journal
from server.storage.schema import NewerSchema
from tests.builders import event_entry
from tests.databases import make_database

MIB = 1024**2


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of an installation with ten entries, of which four are recorded, and a key."""
    settings = read_settings({"DATABASE_URL": f"sqlite:///{tmp_path / 'data' / 'pushlog.db'}"})
    make_database(settings.database_path)
    append(settings, 10)
    recorded_up_to(settings, 4)
    read_or_make_key(settings.mail_key_path)
    return settings


def append(settings: Settings, entries: int) -> None:
    entry = event_entry(seq=None, received=None, message="x" * 2_000)

    async def work() -> None:
        async with open_journal(settings.journal_path) as journal:
            await journal.append([entry] * entries, None)

    asyncio.run(work())


def recorded_up_to(settings: Settings, seq: int) -> None:
    with contextlib.closing(sqlite3.connect(settings.database_path)) as main, main:
        main.execute("REPLACE INTO engine_progress VALUES (1, ?, ?)", (seq - 1, seq))


def remove_up_to(settings: Settings, seq: int) -> None:
    async def work() -> None:
        async with open_journal(settings.journal_path) as journal:
            await journal.remove(seq)

    asyncio.run(work())


def last_seq(journal: Path) -> int:
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        return int(connection.execute("SELECT max(seq) FROM entries").fetchone()[0])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder for backups; whatever a test does, nothing unfinished is left in it."""
    folder = tmp_path / "backups"
    yield folder
    assert [path.name for path in folder.glob(".*")] == []


def test_a_backup_says_what_it_is_and_is_for_its_owner_only(
    settings: Settings, folder: Path
) -> None:
    made, manifest, removed = back_up(settings, folder)
    assert (manifest.last_seq, manifest.watermark, manifest.recorded_seq) == (10, 3, 4)
    assert removed == []
    assert examine(made) == manifest
    assert {path.name for path in made.iterdir()} == {*manifest.files, "manifest.json"}
    assert set(manifest.files) == {DATABASE, JOURNAL, MAIL_KEY}
    assert (made.stat().st_mode & 0o777, (made / JOURNAL).stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_copy_comes_to_an_end_and_is_of_one_moment_while_others_commit(
    settings: Settings, tmp_path: Path
) -> None:
    append(settings, 5_000)
    done = threading.Event()

    def commit_until_done() -> None:
        with contextlib.closing(sqlite3.connect(settings.journal_path)) as writer:
            while not done.is_set():
                with writer:
                    writer.execute("INSERT INTO entries (received, body) VALUES (1, ?)", (b"{}",))

    with ThreadPoolExecutor(1) as beside:
        writing = beside.submit(commit_until_done)
        try:
            copy_databases(
                settings.database_path, settings.journal_path, tmp_path / "m", tmp_path / "j"
            )
            copied = last_seq(tmp_path / "j")
            ended = last_seq(settings.journal_path)
        finally:
            done.set()
        writing.result()
    assert 5_010 <= copied < ended
    assert examine_copies(tmp_path / "m", tmp_path / "j").last_seq == copied


def test_a_copy_is_one_file_and_opening_it_makes_no_other(settings: Settings, folder: Path) -> None:
    folder.mkdir()
    copies = (folder / "m", folder / "j")
    copy_databases(settings.database_path, settings.journal_path, *copies)
    for copy in copies:
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
            connection.execute("BEGIN IMMEDIATE")
            assert sorted(folder.iterdir()) == sorted(copies)


def test_databases_of_two_installations_make_no_backup(settings: Settings, folder: Path) -> None:
    recorded_up_to(settings, 11)
    with pytest.raises(Inconsistent, match="ends with entry 10, and the other tells of entry 11"):
        back_up(settings, folder)
    assert list(folder.iterdir()) == []


def test_a_journal_that_begins_too_late_makes_no_backup(settings: Settings, folder: Path) -> None:
    remove_up_to(settings, 3)
    back_up(settings, folder)
    remove_up_to(settings, 4)
    with pytest.raises(Inconsistent, match="begins with entry 5, and the engine would go on after"):
        back_up(settings, folder)


def test_one_that_has_decided_a_single_event_does_not_begin_anew(
    settings: Settings, folder: Path
) -> None:
    recorded_up_to(settings, 1)
    remove_up_to(settings, 5)
    with pytest.raises(Inconsistent, match="begins with entry 6"):
        back_up(settings, folder)


def test_a_copy_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    for name in (DATABASE, JOURNAL):
        (tmp_path / name).write_bytes(b"no database" * 1_000)
    with pytest.raises(Inconsistent, match=f"{tmp_path} is damaged"):
        examine_copies(tmp_path / DATABASE, tmp_path / JOURNAL)


def test_too_little_room_is_said_before_anything_is_copied(
    settings: Settings, folder: Path
) -> None:
    with pytest.raises(Refused, match=r"not enough space in .* 50 MiB are free, and 50 MiB "):
        back_up(settings, folder, room=lambda _: (1000 * MIB, 950 * MIB, 50 * MIB))
    assert list(folder.iterdir()) == []


def test_only_the_oldest_backups_beyond_those_to_keep_are_removed(
    settings: Settings, folder: Path
) -> None:
    made = [back_up(settings, folder)[0] for _ in range(4)]
    (folder / "pushlog-notes").mkdir()
    newest, _, removed = back_up(settings, folder, keep=2)
    assert removed == made[:3]
    assert sorted(folder.iterdir()) == [made[3], newest, folder / "pushlog-notes"]


def test_what_a_killed_backup_left_is_removed_by_the_next(settings: Settings, folder: Path) -> None:
    left = folder / ".pushlog-20260101T000000.000Z.part"
    left.mkdir(parents=True)
    (left / JOURNAL).write_bytes(b"half")
    made, _, _ = back_up(settings, folder, keep=1)
    assert list(folder.iterdir()) == [made]


def test_two_backups_into_one_folder_do_not_meet(settings: Settings, folder: Path) -> None:
    folder.mkdir()
    other = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Refused, match=r"another backup to .* is running"):
            back_up(settings, folder)
    finally:
        os.close(other)


def test_a_backup_of_which_anything_is_missing_or_changed_is_not_restored(
    settings: Settings, folder: Path
) -> None:
    made, _, _ = back_up(settings, folder)
    append(settings, 1)
    for name in (DATABASE, JOURNAL, MAIL_KEY):
        whole = (made / name).read_bytes()
        # One bit, in the middle.
        middle = len(whole) // 2
        (made / name).write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        with pytest.raises(Inconsistent, match=f"{name} is damaged: its bytes are not those"):
            restore(settings, made)
        (made / name).write_bytes(whole[:middle])
        with pytest.raises(
            Inconsistent, match=f"{name} is damaged: it has {middle} bytes instead of"
        ):
            restore(settings, made)
        (made / name).unlink()
        with pytest.raises(Inconsistent, match=f"is not complete: there is no {name} in it"):
            restore(settings, made)
        (made / name).write_bytes(whole)
    (made / "manifest.json").write_text("{}")
    with pytest.raises(Inconsistent, match=r"manifest\.json cannot be read"):
        restore(settings, made)
    assert last_seq(settings.journal_path) == 11
    assert not list(settings.database_path.parent.glob("before-restore-*"))


def test_a_backup_by_a_newer_pushlog_is_not_restored(settings: Settings, folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(settings.database_path)) as main, main:
        main.execute("UPDATE alembic_version SET version_num = '9999'")
    made, _, _ = back_up(settings, folder)
    before = sorted(made.iterdir())
    with pytest.raises(NewerSchema, match=r"has schema 9999, and this PushLog knows none beyond"):
        restore(settings, made)
    assert sorted(made.iterdir()) == before
    assert not list(settings.database_path.parent.glob("before-restore-*"))


def test_an_exchange_that_fails_halfway_leaves_the_old_files(tmp_path: Path) -> None:
    for name in ("main", "main-wal", "journal", "new main"):
        (tmp_path / name).write_text(f"the {name}")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    arriving = {
        tmp_path / "new main": tmp_path / "main",
        tmp_path / "new journal, which is gone": tmp_path / "journal",
    }
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path, arriving)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_key_that_the_backup_has_not_got_stays(settings: Settings, folder: Path) -> None:
    key = settings.mail_key_path.read_bytes()
    settings.mail_key_path.unlink()
    made, _, _ = back_up(settings, folder)
    settings.mail_key_path.write_bytes(key)
    restore(settings, made)
    assert settings.mail_key_path.read_bytes() == key


def test_a_restore_to_where_nothing_is_moves_nothing_aside(
    settings: Settings, folder: Path, tmp_path: Path
) -> None:
    made, manifest, _ = back_up(settings, folder)
    other = read_settings({"DATABASE_URL": f"sqlite:///{tmp_path / 'other' / 'its-own.db'}"})
    restored = restore(other, made)
    assert (restored.manifest, restored.aside) == (manifest, None)
    assert last_seq(other.journal_path) == 10
    assert other.mail_key_path.read_bytes() == settings.mail_key_path.read_bytes()
