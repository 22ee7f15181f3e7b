"""Keeps the newest entries of the journal in memory, so that they are not read from disk again."""

from collections.abc import Iterable

from server.storage.journal.entry import JournalEntry


class Tail:
    """The last entries in a row, up to `max_bytes` of bodies."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size_bytes = 0
        self._entries: dict[int, JournalEntry] = {}
        self._first = 0

    def add(self, entries: Iterable[JournalEntry]) -> None:
        """Add the entries that were appended; drop the oldest to make room."""
        for entry in entries:
            if not self._entries:
                self._first = entry.seq
            elif entry.seq != self._first + len(self._entries):
                self.clear()
                self._first = entry.seq
            self._entries[entry.seq] = entry
            self._size_bytes += len(entry.body)
        while self._size_bytes > self._max_bytes:
            self._size_bytes -= len(self._entries.pop(self._first).body)
            self._first += 1

    def clear(self) -> None:
        """Forget all entries, because the file has gone on without us."""
        self._entries.clear()
        self._size_bytes = 0

    def remove(self, up_to_seq: int) -> None:
        """Forget the entries up to `up_to_seq`, which the file no longer has."""
        while self._entries and self._first <= up_to_seq:
            self._size_bytes -= len(self._entries.pop(self._first).body)
            self._first += 1

    def read(self, after_seq: int, limit: int, max_bytes: int) -> list[JournalEntry] | None:
        """Read as `JournalFile.read` does; return None if the first entry asked for is not here."""
        if after_seq + 1 not in self._entries:
            return None
        entries: list[JournalEntry] = []
        size = 0
        for seq in range(after_seq + 1, min(after_seq + limit, self._last) + 1):
            entry = self._entries[seq]
            size += len(entry.body)
            if entries and size > max_bytes:
                break
            entries.append(entry)
        return entries

    @property
    def _last(self) -> int:
        return self._first + len(self._entries) - 1
