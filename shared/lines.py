"""Cut chunks of bytes into lines, in bounded memory whatever the length of a line."""

import msgspec


class TooLong(msgspec.Struct, frozen=True):
    """What is left of a line over the limit: its length, without its end."""

    size_bytes: int


class Lines:
    """Cuts chunks into lines without their ends; keeps at most one line of `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self._size_bytes = 0

    def feed(self, chunk: bytes) -> list[bytes | TooLong]:
        """Return the lines that are complete with `chunk`."""
        *ended, rest = chunk.split(b"\n")
        lines: list[bytes | TooLong] = []
        if ended:
            self._hold(ended[0])
            lines.append(self._take())
            most = self._max_bytes
            lines += [line if len(line) <= most else TooLong(len(line)) for line in ended[1:]]
        self._hold(rest)
        return lines

    def end(self) -> list[bytes | TooLong]:
        """Return the last line if it had no end."""
        return [self._take()] if self._size_bytes else []

    def _hold(self, part: bytes) -> None:
        self._size_bytes += len(part)
        if self._size_bytes > self._max_bytes:
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _take(self) -> bytes | TooLong:
        size = self._size_bytes
        line = b"".join(self._parts)
        self._parts.clear()
        self._size_bytes = 0
        return TooLong(size) if size > self._max_bytes else line
