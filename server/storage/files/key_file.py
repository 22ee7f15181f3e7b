"""A key that only this installation has: a file beside the database, for its owner's eyes."""

import os
import secrets
from pathlib import Path

from server.storage.files.private_files import sync_folder, write_private

KEY_BYTES = 32


def read_or_make_key(path: Path) -> bytes:
    """The key in the file `path`, which is made where there is none; raises `OSError`.

    Of two processes that make it at once, one wins, and both have that one's key.
    """
    key = read_key(path)
    if key is not None:
        return key
    # Under its own name only once it is whole: half a key would be another key.
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
    """The key in the file `path`; none where nobody has made one. Raises `OSError`."""
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
