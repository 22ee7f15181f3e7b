"""A backup on the disk: a folder with both databases, the key of mails, and what they should be."""

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

from server.storage.backup.snapshot import Inconsistent, examine_copies
from server.storage.files.private_files import sync_folder, write_private, writing_private

DATABASE = "pushlog.db"
JOURNAL = "pushlog-journal.db"
MAIL_KEY = "pushlog-mail.key"
"""It is only there if the installation has one: without mail, no key is made."""

FORMAT = 1
_MANIFEST = "manifest.json"
_CHUNK_BYTES = 1024 * 1024


class Contents(msgspec.Struct, frozen=True):
    """What a file must be."""

    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup is, and all that is in it; a folder without a manifest is no backup."""

    format: int
    pushlog: str
    taken_at: datetime
    last_seq: int
    watermark: int
    recorded_seq: int
    files: dict[str, Contents]


def seal(folder: Path, version: str, taken_at: datetime) -> Manifest:
    """Examine the copies in `folder` and write down what they are, as the last step of a backup.

    Everything is on the disk when this returns. Raises `Inconsistent` and OSError.
    """
    reach = examine_copies(folder / DATABASE, folder / JOURNAL)
    manifest = Manifest(
        format=FORMAT,
        pushlog=version,
        taken_at=taken_at,
        last_seq=reach.last_seq,
        watermark=reach.watermark,
        recorded_seq=reach.recorded_seq,
        files={path.name: contents(path) for path in sorted(folder.iterdir())},
    )
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    write_private(folder / _MANIFEST, text)
    sync_folder(folder)
    return manifest


def examine(folder: Path) -> Manifest:
    """Check every byte of the backup in `folder`; return what it is.

    Raises `Inconsistent` and OSError.
    """
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise Inconsistent(
            f"{folder} is no complete backup: there is no {_MANIFEST} in it"
        ) from None
    except msgspec.MsgspecError as error:
        raise Inconsistent(f"{folder / _MANIFEST} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise Inconsistent(
            f"{folder} is of form {manifest.format}, made by PushLog {manifest.pushlog}: "
            f"this one reads form {FORMAT}"
        )
    names = set(manifest.files)
    if not {DATABASE, JOURNAL} <= names <= {DATABASE, JOURNAL, MAIL_KEY}:
        raise Inconsistent(f"{folder / _MANIFEST} names other files than a backup has")
    for name, should_be in manifest.files.items():
        try:
            found = contents(folder / name)
        except FileNotFoundError:
            raise Inconsistent(f"{folder} is not complete: there is no {name} in it") from None
        if found.size_bytes != should_be.size_bytes:
            raise Inconsistent(
                f"{folder / name} is damaged: it has {found.size_bytes} bytes instead of "
                f"{should_be.size_bytes}"
            )
        if found != should_be:
            raise Inconsistent(
                f"{folder / name} is damaged: its bytes are not those that were written"
            )
    examine_copies(folder / DATABASE, folder / JOURNAL)
    return manifest


def contents(path: Path) -> Contents:
    """Return what is in the file `path`. Raises OSError."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return Contents(size, digest.hexdigest())


def copy_file(source: Path, target: Path) -> Contents:
    """Copy a file for its owner only, over what is there; it is on the disk when this returns."""
    digest = hashlib.sha256()
    size = 0
    with source.open("rb") as file, writing_private(target) as copy:
        while chunk := file.read(_CHUNK_BYTES):
            copy.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return Contents(size, digest.hexdigest())
