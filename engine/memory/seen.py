"""Remember which events have come before: the last 100,000 `event_id`s, as 64-bit hashes.

They are kept in a ring of chunks, so that a checkpoint carries only the chunks that have changed.
With 100,000 ids, an unknown id is taken for known with a probability of 5e-15.
"""

import struct
from hashlib import blake2b

import msgspec

CHUNK_IDS = 256
CHUNKS = 400


class SeenChunk(msgspec.Struct, array_like=True):
    """One chunk as a checkpoint carries it; `number` only ever grows."""

    number: int
    packed: bytes


class SeenEvents:
    """A set of constant size: the newest chunk replaces the oldest."""

    def __init__(self) -> None:
        self.changed: set[int] = set()
        """The numbers of the chunks that have changed since this was last emptied."""
        self._known: set[int] = set()
        self._number = 0
        self._running: list[int] = []
        self._chunks = {0: self._running}

    def is_new(self, source: str, service: str, event_id: str) -> bool:
        """Remember this event; return False if it came before."""
        text = f"{source}\0{service}\0{event_id}".encode()
        known = int.from_bytes(blake2b(text, digest_size=8).digest())
        if known in self._known:
            return False
        self._known.add(known)
        if len(self._running) == CHUNK_IDS:
            self._begin(self._number + 1)
        self._running.append(known)
        self.changed.add(self._number)
        return True

    def chunk(self, number: int) -> SeenChunk:
        """Return the chunk of this number, which is one of the newest `CHUNKS`."""
        ids = self._chunks[number]
        return SeenChunk(number, struct.pack(f"<{len(ids)}Q", *ids))

    def restore(self, chunk: SeenChunk) -> None:
        """Restore one chunk; they may come in any order."""
        ids = list(struct.unpack(f"<{len(chunk.packed) // 8}Q", chunk.packed))
        self._chunks[chunk.number] = ids
        self._known.update(ids)
        if chunk.number >= self._number:
            self._number, self._running = chunk.number, ids

    def _begin(self, number: int) -> None:
        self._number, self._running = number, []
        self._chunks[number] = self._running
        gone = number - CHUNKS
        self._known.difference_update(self._chunks.pop(gone, ()))
        self.changed.discard(gone)
