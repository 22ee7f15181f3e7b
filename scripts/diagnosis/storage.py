"""Check the data: its folder, the space on its disk, the main database and the journal.

Everything is opened for reading, so the server may keep running.
"""

import contextlib
import fcntl
import os
import pwd
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.diagnosis.finding import Finding, fail, ok, warn
from scripts.diagnosis.postgresql import examine_postgresql
from server.settings.settings import Settings
from server.storage.backup.make import newest_backup
from server.storage.journal.disk import KEPT_FREE, share_free
from server.storage.schema import REVISIONS

_SOON_FULL = 3 * KEPT_FREE
_BUSY_TIMEOUT_S = 5.0
_BACKUP_AGE = timedelta(hours=26)


def examine_storage(settings: Settings) -> Iterator[Finding]:
    """Yield the findings; each thing comes after the things that it depends on."""
    if settings.postgres_url is not None:
        yield from examine_postgresql(settings.postgres_url)
        return
    folder = settings.database_path.parent.absolute()
    if not folder.is_dir():
        yield warn("data folder", f"{folder} does not exist yet: the first start creates it")
        return
    yield _folder(settings, folder)
    yield _disk(folder)
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        # SQLite would create files that belong to us, and the server could not write to them.
        yield warn(
            "data", f"not checked: it belongs to {_name_of(owner)}; run scripts/doctor as that user"
        )
        return
    yield _database(settings.database_path)
    yield _journal(settings.journal_path)
    yield from _troubles(settings.database_path)
    yield _backups(settings)


def _folder(settings: Settings, folder: Path) -> Finding:
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail(
            "data folder",
            f"{_name_of(os.geteuid())} cannot write to {folder}, which belongs to "
            f"{_name_of(folder.stat().st_uid)}: run PushLog as that user, or chown -R it",
        )
    files = (settings.database_path, settings.journal_path, settings.mail_key_path)
    for path in files:
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            return fail(
                "data folder",
                f"{path} cannot be written; it belongs to {_name_of(path.stat().st_uid)}: chown it",
            )
    mode = folder.stat().st_mode
    if mode & 0o002:
        return fail(
            "data folder", f"any user on this machine may change what is in it: chmod 700 {folder}"
        )
    if mode & 0o005:
        return warn(
            "data folder",
            f"other users on this machine may read the events in it: chmod 700 {folder}",
        )
    return ok("data folder", f"{folder} is writable, and other users cannot look into it")


def _disk(folder: Path) -> Finding:
    free = share_free(folder)
    if free <= KEPT_FREE:
        return fail(
            "disk",
            f"{free:.0%} is free. PushLog keeps the last {KEPT_FREE:.0%} free, so webhooks get "
            "503. Free some space, or use a larger disk",
        )
    if free <= _SOON_FULL:
        return warn("disk", f"only {free:.0%} is free; at {KEPT_FREE:.0%}, webhooks get 503")
    return ok("disk", f"{free:.0%} is free")


def _database(path: Path) -> Finding:
    what = "main database"
    if not path.exists():
        return warn(what, f"{path} does not exist yet: the first start creates it")
    newest = REVISIONS[-1]
    try:
        with _reading(path) as connection:
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            (check,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except (sqlite3.Error, TypeError) as error:
        return fail(what, f"{path} cannot be read ({error}): restore a backup (scripts/restore)")
    if check != "ok":
        return fail(what, f"{path} is damaged ({check}): restore a backup (scripts/restore)")
    if version == newest:
        return ok(what, f"intact, with the newest schema ({version})")
    if version in REVISIONS:
        return warn(
            what, f"intact; its schema is {version}, and the next start brings it to {newest}"
        )
    return fail(
        what,
        f"its schema {version} belongs to a newer PushLog: run that version, or restore a backup",
    )


def _journal(path: Path) -> Finding:
    what = "journal"
    if not path.exists():
        return warn(what, f"{path} does not exist yet: the first start creates it")
    try:
        with _reading(path) as connection:
            (last,) = connection.execute("SELECT MAX(seq) FROM entries").fetchone()
    except sqlite3.Error as error:
        return fail(what, f"{path} cannot be read ({error}): restore a backup (scripts/restore)")
    holder = _holder(path.with_name(f"{path.name}.lock"))
    use = f"in use by the running server (process {holder})" if holder else "no server is using it"
    return ok(what, f"readable up to entry {last or 0}; {use}")


def _troubles(database: Path) -> Iterator[Finding]:
    """Yield a warning for each trouble that the server has noticed in itself."""
    with contextlib.suppress(sqlite3.Error), _reading(database) as connection:
        # An older schema has no such table, and a database that cannot be read is told above.
        query = "SELECT title, text FROM troubles WHERE closed_at IS NULL ORDER BY id"
        found = connection.execute(query).fetchall()
        for title, text in found:
            yield warn("trouble", f"{title}: {text}. The page /troubles says what to do")
        if not found:
            yield ok("trouble", "the server has noticed none in itself")


def _backups(settings: Settings) -> Finding:
    what, folder = "backups", settings.backup_folder
    if folder is None:
        return ok(what, "BACKUP_FOLDER is not set: the server makes none")
    try:
        newest = newest_backup(folder)
    except OSError as error:
        return fail(what, f"{folder} cannot be read: {error.strerror}")
    if newest is None:
        return warn(what, f"there is none in {folder} yet: the server makes the first at its start")
    age = datetime.now(UTC) - newest
    hours = f"the newest in {folder} is {age / timedelta(hours=1):.0f} h old"
    if age > _BACKUP_AGE:
        return warn(what, f"{hours}: the server's log says why it made no other")
    return ok(what, hours)


def _holder(lock: Path) -> str | None:
    """Return the process that holds the journal, or None if none does.

    If the journal is free, this holds it for a moment, because a lock cannot be checked otherwise.
    """
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
    finally:
        os.close(descriptor)
    return None


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=_BUSY_TIMEOUT_S)
    try:
        yield connection
    finally:
        connection.close()


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
