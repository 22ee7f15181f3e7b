"""Cutting a stream of bytes into lines, in memory that no line can make grow."""

from shared.pipe import MAX_LINE_BYTES


class LineCutter:
    """Whole lines of what was fed so far; one that is too long is dropped, and counted."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_line_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self._dropping = False

    def feed(self, chunk: bytes) -> tuple[list[bytes], int]:
        """The lines that end in `chunk`, without their ends, and how many too long ones ended."""
        *ended, rest = chunk.split(b"\n")
        if not ended:
            return [], self._hold(rest)
        dropped = self._hold(ended[0])
        lines = ended
        if self._dropping:
            lines = ended[1:]
        elif self._parts:
            lines[0] = b"".join(self._parts)
        self._parts, self._size, self._dropping = [], 0, False
        whole = [line for line in lines if len(line) <= self._max]
        dropped += len(lines) - len(whole)
        return whole, dropped + self._hold(rest)

    def end(self) -> bytes:
        """What is left at the end of the stream: a last line without its end."""
        return b"".join(self._parts)

    def _hold(self, part: bytes) -> int:
        """Keep a part of a line; answers 1 when it makes the line too long."""
        if self._dropping or not part:
            return 0
        self._parts.append(part)
        self._size += len(part)
        if self._size <= self._max:
            return 0
        self._parts, self._size, self._dropping = [], 0, True
        return 1
