"""Files that only their owner may read, because they hold other people's data, and keys.

They are written durably: the bytes are on the disk, and not only on the way there.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_OWNER_ONLY = 0o600
_OTHERS = 0o077

_BESIDE = ("", "-wal", "-shm", "-journal")
"""Files that SQLite keeps beside a database. It gives new ones the permissions of the database."""


@contextlib.contextmanager
def writing_private(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that replaces what is there; its bytes are on the disk when the context ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY)
    with open(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(descriptor)


def write_private(path: Path, content: bytes) -> None:
    """Write all of `content` over what is there; it is on the disk when this returns."""
    with writing_private(path) as file:
        file.write(content)


def replace_private(path: Path, content: bytes) -> None:
    """Write like `write_private`; a reader meanwhile or after a death finds the old or the new."""
    made = path.with_name(f".{path.name}.new")
    write_private(made, content)
    made.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the disk, as `fsync` does with the bytes of a file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_private(database: Path) -> bool:
    """Make the database file, or remove others' permissions from it; return whether it was made.

    It is made if there is none. Raises `OSError`. It works by the name and never opens the file:
    closing a file gives up the locks that this process has on it elsewhere.
    """
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(database, flags, _OWNER_ONLY))
    except FileExistsError:
        pass
    else:
        return True
    for end in _BESIDE:
        path = database.with_name(database.name + end)
        # If it belongs to somebody else, its owner must close it.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if path.stat().st_mode & _OTHERS:
                path.chmod(_OWNER_ONLY)
    return False
