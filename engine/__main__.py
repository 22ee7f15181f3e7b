"""Run the engine as a process: read lines from stdin, write answers to stdout, end with stdin.

This is the engine's only I/O. `python -m engine < events.ndjson` works by hand.
"""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable

from engine.fold import answer, finish, refuse, rest
from engine.memory.state import State
from shared.lines import Lines, TooLong
from shared.pipe import MAX_LINE_BYTES, Outbound, Ready, UnreadableLine, encode_lines
from shared.version import VERSION

READ_BYTES = 1024 * 1024


def main() -> int:
    """Answer until stdin ends."""
    # A terminal and pm2 send SIGINT to the whole group; the server ends the engine by ending stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The engine makes no reference cycles (a test checks this), and looking for them cost 5 to 10 %
    # of the time with 150,000 issues.
    gc.disable()
    # If nobody reads stdout any more, there is nobody to report the error to.
    with contextlib.suppress(BrokenPipeError):
        run(lambda: os.read(sys.stdin.fileno(), READ_BYTES), _write)
    return 0


def run(read: Callable[[], bytes], write: Callable[[bytes], None]) -> None:
    """Fold what `read` returns until it returns nothing; write the answers to one read at once."""
    state = State()
    cutter = Lines(MAX_LINE_BYTES)
    write(encode_lines([Ready(f"pushlog {VERSION}")]))
    while chunk := read():
        out = _answers(state, cutter.feed(chunk))
        out += rest(state)
        if out:
            write(encode_lines(out))
    write(encode_lines([*_answers(state, cutter.end()), *finish(state)]))


def _answers(state: State, lines: Iterable[bytes | TooLong]) -> list[Outbound]:
    out: list[Outbound] = []
    for line in lines:
        if isinstance(line, TooLong):
            out += refuse(state, UnreadableLine(f"a line is longer than {MAX_LINE_BYTES} bytes"))
        elif line and not line.isspace():
            out += answer(state, line)
    return out


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


if __name__ == "__main__":
    sys.exit(main())
