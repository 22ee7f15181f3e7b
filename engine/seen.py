"""Which events have come before: the last hundred thousand `event_id`s, as 64-bit hashes.

They lie in a ring of chunks, so that a checkpoint carries only the chunks that have changed.
Of 100,000 ids, an unknown one is taken for known with a probability of 5e-15.
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
    """A set of constant size: the oldest chunk makes room for the newest."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._chunks: dict[int, list[int]] = {0: []}
        self._number = 0

    def is_new(self, source: str, service: str, event_id: str) -> bool:
        """Remember this event; False where it came before."""
        text = f"{source}\0{service}\0{event_id}"
        digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
        known = int.from_bytes(digest)
        if known in self._known:
            return False
        self._known.add(known)
        if len(self._chunks[self._number]) == CHUNK_IDS:
            self._begin(self._number + 1)
        self._chunks[self._number].append(known)
        return True

    @property
    def slot(self) -> str:
        """The key of the chunk that is being filled."""
        return str(self._number % CHUNKS)

    def chunk(self, slot: str) -> SeenChunk | None:
        """The chunk with this key."""
        newest = self._number - (self._number - int(slot)) % CHUNKS
        ids = self._chunks.get(newest)
        return None if ids is None else SeenChunk(newest, struct.pack(f"<{len(ids)}Q", *ids))

    def restore(self, chunk: SeenChunk) -> None:
        """Take back one chunk; they may come in any order."""
        ids = list(struct.unpack(f"<{len(chunk.packed) // 8}Q", chunk.packed))
        self._chunks[chunk.number] = ids
        self._known.update(ids)
        if self._number not in self._chunks or chunk.number > self._number:
            self._number = chunk.number

    def _begin(self, number: int) -> None:
        self._number = number
        self._chunks[number] = []
        self._known.difference_update(self._chunks.pop(number - CHUNKS, ()))
