"""The engine as a process: lines on stdin, answers on stdout; the end of stdin is its end.

The only I/O of the engine. `python -m engine < events.ndjson` works by hand.
"""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable

from engine import VERSION
from engine.fold import answer, finish, refuse, rest
from engine.memory.state import State
from shared.lines import Lines, TooLong
from shared.pipe import MAX_LINE_BYTES, Outbound, Ready, UnreadableLine, encode_lines

READ_BYTES = 1024 * 1024


def main() -> int:
    """Answer until stdin ends."""
    # A terminal and pm2 send it to the whole group; the server ends us by ending stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing here makes cycles (a test holds it), and looking for them cost 5 to 10 % of the time
    # with 150,000 issues.
    gc.disable()
    # Where nobody reads any more, there is nobody to tell.
    with contextlib.suppress(BrokenPipeError):
        run(lambda: os.read(sys.stdin.fileno(), READ_BYTES), _write)
    return 0


def run(read: Callable[[], bytes], write: Callable[[bytes], None]) -> None:
    """Fold what `read` gives until it gives nothing; the answers of one read go out at once."""
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
        elif line.strip():
            out += answer(state, line)
    return out


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


if __name__ == "__main__":
    sys.exit(main())
