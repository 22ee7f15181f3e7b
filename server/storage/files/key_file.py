"""A key that only this installation has: a file beside the database that only its owner reads."""

import os
import secrets
from pathlib import Path

from server.storage.files.private_files import sync_folder, write_private

KEY_BYTES = 32


def read_or_make_key(path: Path) -> bytes:
    """Return the key in the file `path`; make it if there is none. Raises `OSError`.

    If two processes make it at once, one wins, and both get that one's key.
    """
    key = read_key(path)
    if key is not None:
        return key
    # It gets its own name only when it is whole: half a key would be another key.
    made = path.with_name(f"{path.name}.{os.getpid()}")
    write_private(made, secrets.token_hex(KEY_BYTES).encode())
    try:
        os.link(made, path)
        sync_folder(path.parent)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return _read(path)


def read_key(path: Path) -> bytes | None:
    """Return the key in the file `path`, or None if nobody has made one. Raises `OSError`."""
    try:
        return _read(path)
    except FileNotFoundError:
        return None


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise OSError(f"{path} is no key of PushLog: remove it, and another is made")
    return key
