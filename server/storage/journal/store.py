"""What the journal asks of the place where its entries are kept."""

from collections.abc import Callable, Sequence
from typing import Protocol

from server.storage.journal.entry import Appended, Arrival, JournalEntry


class JournalStore(Protocol):
    """An open journal. The calls block, are for one thread, and raise `JournalUnavailable`."""

    last_seq: int
    """The last number given out, as far as this connection knows."""
    last_received: int
    """The stamp of the newest entry, in microseconds."""

    def close(self) -> None:
        """Close the connection."""

    def append(self, arrivals: Sequence[Arrival], received: int) -> list[Appended]:
        """Commit the entries of all `arrivals` that are not known yet, in one transaction.

        All of them are on the disk when this returns, and `last_received` is their stamp.
        """

    def read(self, after_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        """Return the entries after `after_seq`, in order.

        If there are any, returns at least one, and then at most `limit` entries of `max_bytes` in
        total.
        """

    def read_back(self, before_seq: int, limit: int, max_bytes: int) -> list[JournalEntry]:
        """Return the entries before `before_seq`, newest first, bounded as in `read`."""

    def seqs_before(self, moments: Sequence[int]) -> list[int | None]:
        """Return the last number given out before each of `moments` (microseconds, ascending)."""

    def find(self, key: bytes) -> int | None:
        """Return the first entry of the delivery with this identity's key, while it is known."""

    def remove(self, up_to_seq: int) -> int:
        """Remove entries up to `up_to_seq`, never the newest one; return how many there were."""

    def give_back(self) -> int:
        """Give some free room back to the file system; return how many bytes."""

    def write_nothing(self) -> int:
        """Commit a change that changes nothing, as a proof that it can be written; return 0."""

    def bytes_that_can_shrink(self) -> int:
        """Return the size in bytes; 0 if `give_back` can give nothing back."""

    def used_bytes(self) -> int:
        """Return how many bytes are in use."""


OpenStore = Callable[[], JournalStore]
