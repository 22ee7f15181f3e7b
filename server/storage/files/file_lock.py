"""Allow one server per file, by a lock beside it that the system releases when the holder dies."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class InUse(RuntimeError):
    """Another process holds the file."""


@contextlib.contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Hold `path` (with ``.lock`` after its name) for this process. Raises `InUse` and OSError.

    The lock file stays: if it were removed, two processes could hold two files of one name.
    """
    lock_path = path.with_name(f"{path.name}.lock")
    # Child processes do not inherit it: an engine that outlived the server would hold the lock.
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            raise InUse(
                f"{path} is in use by another server (process {holder}): stop that one first, "
                "or give this one another DATABASE_URL"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
