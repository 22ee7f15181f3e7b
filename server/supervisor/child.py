"""The life of one process: started, written to, read from, ended."""

import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.lines import Lines, TooLong
from shared.pipe import MAX_LINE_BYTES

_LAUNCH = Path(__file__).with_name("launch.py")
_CHUNK_BYTES = 256 * 1024
_PIPE_BYTES = 1024 * 1024
"""The size of a pipe: as much as Linux gives to any process.

With the usual 64 KiB, a pipe is full, and empty, a moment later. With this size, a restore costs
both sides half as much.
"""

_LAST_WORDS_S = 1.0
_SAID_CHUNK_BYTES = 16 * 1024
_MAX_SAID_BYTES = 4 * 1024
"""The longest line that is shown of what the engine says to people."""


class _Pipes(SubprocessStreamProtocol):
    """asyncio's streams on the three pipes, with word of the exit as soon as it happens.

    At the exit, everything that the child had started is ended too. asyncio's `Process.wait` also
    waits for the end of the pipes, and never returns for a child whose output nobody reads any
    more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # asyncio reads ahead twice this limit.
        super().__init__(limit=_CHUNK_BYTES, loop=loop)
        self.exited = asyncio.Event()
        self.pid: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if isinstance(transport, asyncio.SubprocessTransport):
            self.pid = transport.get_pid()

    def process_exited(self) -> None:
        super().process_exited()
        # Do this at once, and never later: as soon as none of the group is left, the system may
        # give its number to another.
        if self.pid is not None:
            _kill_group(self.pid)
        self.exited.set()


class Child:
    """The engine's process, with pipes of its own. `pid` is also the id of its process group."""

    def __init__(
        self,
        transport: asyncio.SubprocessTransport,
        pipes: _Pipes,
        say: Callable[[str], None],
    ) -> None:
        if pipes.stdin is None or pipes.stdout is None or pipes.stderr is None:
            raise OSError("a process was made without its pipes")
        self.pid = transport.get_pid()
        self._transport = transport
        self._exited = pipes.exited
        self._stdin = pipes.stdin
        self._stdout = pipes.stdout
        self._lines = Lines(MAX_LINE_BYTES)
        self._listening = asyncio.create_task(_listen(pipes.stderr, say), name="engine's stderr")

    def write(self, lines: bytes) -> None:
        """Queue whole lines; `drain` before the next ones. Does nothing if the child has ended."""
        self._stdin.write(lines)

    async def drain(self) -> None:
        """Return when the pipe has taken nearly all; a child that has ended takes everything."""
        with contextlib.suppress(ConnectionError):
            await self._stdin.drain()

    def end_input(self) -> None:
        """End the child's input, after everything that was written."""
        self._stdin.close()

    async def read_lines(self) -> list[bytes | TooLong] | None:
        """Return the next lines, without their ends, or None at the end of the child's output."""
        while chunk := await self._stdout.read(_CHUNK_BYTES):
            lines = self._lines.feed(chunk)
            if lines:
                return lines
        return None

    async def exited(self) -> str:
        """Wait until the child has ended, and return how, in words."""
        await self._exited.wait()
        return exit_in_words(self._transport.get_returncode() or 0)

    async def kill(self) -> str:
        """End the child and everything that it started, and return how it ended."""
        if not self._exited.is_set():
            _kill_group(self.pid)
        return await self.exited()

    async def close(self) -> None:
        """Close the child's pipes, once it has ended and its output is read."""
        await asyncio.wait({self._listening}, timeout=_LAST_WORDS_S)
        self._listening.cancel()
        self._transport.close()
        # Wait for it: otherwise asyncio of Debian 12 (Python 3.11.2) reports a broken pipe as our
        # error. The pipe never closes if somebody outside of the group holds its other end.
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._stdin.wait_closed()


async def start_child(command: Sequence[str], say: Callable[[str], None]) -> Child:
    """Start `command`; pass each line that it writes to stderr to `say`.

    Raises OSError if no process can be created. A command that does not exist is a child that ends
    at once.
    """
    loop = asyncio.get_running_loop()
    # Not asyncio.create_subprocess_exec, which keeps the transport to itself: without it nothing
    # could close the pipe of a child whose output is not read to its end.
    transport, pipes = await loop.subprocess_exec(
        lambda: _Pipes(loop),
        sys.executable,
        "-IS",
        str(_LAUNCH),
        str(os.getpid()),
        *command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    for number in (0, 1):
        _widen(transport.get_pipe_transport(number))
    return Child(transport, pipes, say)


def _widen(transport: asyncio.BaseTransport | None) -> None:
    """Let the pipe hold `_PIPE_BYTES`, if the system can and allows it."""
    if sys.platform == "linux" and transport is not None:
        # ValueError: the pipe of a child that was killed at once is already closed.
        with contextlib.suppress(OSError, ValueError):
            pipe = transport.get_extra_info("pipe")
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _kill_group(pid: int) -> None:
    # End the group: a command may be a wrapper, and its end alone would leave the engine without an
    # owner.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def exit_in_words(code: int) -> str:
    """Return how a process ended, from asyncio's code, which is negative for a signal."""
    if code < 0:
        names = {each.value: each.name for each in signal.Signals}
        return f"killed by {names.get(-code, f'signal {-code}')}"
    if code == 127:
        return "its command was not found (exit code 127)"
    return f"exit code {code}"


async def _listen(stderr: asyncio.StreamReader, say: Callable[[str], None]) -> None:
    lines = Lines(_MAX_SAID_BYTES)
    while chunk := await stderr.read(_SAID_CHUNK_BYTES):
        _say_all(lines.feed(chunk), say)
        # A child that floods must not stall other tasks.
        await asyncio.sleep(0)
    _say_all(lines.end(), say)


def _say_all(lines: list[bytes | TooLong], say: Callable[[str], None]) -> None:
    for line in lines:
        match line:
            case TooLong(size):
                say(f"(a line of {size} bytes)")
            case _:
                say(line.decode(errors="replace"))
