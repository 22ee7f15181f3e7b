"""What goes into the journal and comes out of it, and why it cannot."""

import hashlib

import msgspec


class JournalUnavailable(Exception):
    """The journal cannot take or give entries now; the reason is written for people."""


class JournalLocked(JournalUnavailable):
    """Another process holds the file; nothing is wrong with the file or our connection."""


class JournalEntry(msgspec.Struct, frozen=True):
    """A stored entry.

    `received` is in microseconds since the epoch. `body` is one JSON object that begins with its
    ``type``.
    """

    seq: int
    received: int
    body: bytes


class Appended(msgspec.Struct, frozen=True):
    """The entries of one delivery; for a duplicate, the first entry of the one it repeats."""

    seqs: tuple[int, ...]
    duplicate: bool


class Arrival(msgspec.Struct, frozen=True):
    """A delivery to be appended: a body for each entry, and its identity's key."""

    bodies: tuple[bytes, ...]
    key: bytes | None


def identity_key(identity: str) -> bytes:
    """Return the key for an identity of any length in the table: 16 bytes of BLAKE2."""
    return hashlib.blake2b(identity.encode(errors="surrogatepass"), digest_size=16).digest()
