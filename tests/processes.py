"""The real processes for tests: server and engine, started as users start them, always ended.

Wait for lines, never for seconds::

    async with running_server(tmp_path, env={"SENTRY_WEBHOOK_SECRET": "s3cret"}) as server:
        ...  # post to server.url
        await server.log.wait_for(r"incident inc-[0-9a-f]{16} \\(new_issue\\)")
        assert await server.interrupt() == 0

    async with running_engine() as engine:
        engine.send(*entries)
        opened = await engine.wait_for(Incident)
        assert await engine.finish() == 0
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from shared.pipe import Inbound, Outbound, decode_outbound, encode_lines
from tests import waiting
from tests.databases import make_database

ROOT = Path(__file__).resolve().parent.parent
"""The root of the repository, where every process starts."""

MARK = "PUSHLOG_TEST_PROCESS"
"""The variable by which a process and whatever it started are found again."""

_MAX_LINE_BYTES = 64 * 1024 * 1024
_LISTENING = r"\[server\] Listening on (http://\S+:\d+)"

T = TypeVar("T")


class Log:
    """The lines that a process has written so far, without their ends, and waits for the next."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ended = False
        self._more = asyncio.Event()

    def position(self) -> int:
        """How many lines there are: pass it as `since` to wait for what comes from now on."""
        return len(self.lines)

    def matching(self, pattern: str, *, since: int = 0) -> list[str]:
        """The lines in which `pattern` (a regular expression) is found."""
        return [line for line in self.lines[since:] if re.search(pattern, line)]

    async def wait_for(self, pattern: str, *, since: int = 0) -> re.Match[str]:
        """The first match of `pattern` in a line, at once if it is there already.

        Fails with the lines so far when time is over, and at once when the process has ended.
        """
        return await self.wait_until(
            lambda lines: next((m for line in lines if (m := re.search(pattern, line))), None),
            what=f"a line that matches {pattern!r}",
            since=since,
        )

    async def wait_for_count(self, pattern: str, count: int, *, since: int = 0) -> list[str]:
        """The lines that match `pattern`, as soon as there are `count` of them or more."""

        def enough(lines: Sequence[str]) -> list[str] | None:
            found = [line for line in lines if re.search(pattern, line)]
            return found if len(found) >= count else None

        return await self.wait_until(
            enough,
            what=f"{count} lines that match {pattern!r}",
            since=since,
        )

    async def wait_until(
        self,
        find: Callable[[Sequence[str]], T | None],
        *,
        what: str,
        since: int = 0,
    ) -> T:
        """What `find` makes of the lines, as soon as it is not None; `what` is for the failure."""
        deadline = asyncio.get_running_loop().time() + waiting.LIMIT_S
        while True:
            found = find(self.lines[since:])
            if found is not None:
                return found
            if self.ended:
                raise AssertionError(f"the process ended without {what}:\n{self.text()}")
            self._more.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._more.wait()
            except TimeoutError:
                raise AssertionError(
                    f"waited {waiting.LIMIT_S} s in vain for {what}:\n{self.text()}"
                ) from None

    def text(self) -> str:
        """All lines as one text."""
        return "\n".join(self.lines)

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Take lines from `stream` until it ends."""
        try:
            while raw := await stream.readline():
                self.lines.append(raw.decode(errors="replace").rstrip("\r\n"))
                self._more.set()
        finally:
            self.ended = True
            self._more.set()


class ServerProcess:
    """A running server; `log` holds all that it has written to stdout and stderr."""

    def __init__(self, process: asyncio.subprocess.Process, log: Log, mark: str) -> None:
        self.log = log
        self.url = ""
        """Where it listens, without a slash at the end; empty until it does."""
        self._process = process
        self._mark = mark

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, None while it runs; -9 where a signal 9 ended it."""
        return self._process.returncode

    def children(self) -> list[int]:
        """The process ids of what the server started and what still runs: the engine."""
        return [pid for pid in find_marked(self._mark) if pid != self.pid]

    async def wait_until_listening(self) -> None:
        """Wait for the line that names the address, and take `url` from it."""
        found = await self.log.wait_for(_LISTENING)
        self.url = found[1]

    async def kill(self) -> None:
        """End the server at once (signal 9), as a crash does. The engine is left to its own."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def interrupt(self) -> int:
        """Ask it to stop, as pm2 and Ctrl-C do (SIGINT), and return its exit code."""
        return await self.stop(signal.SIGINT)

    async def stop(self, by: signal.Signals) -> int:
        """Send it the signal `by` and return its exit code."""
        if self._process.returncode is None:
            self._process.send_signal(by)
        return await self.wait()

    async def wait(self) -> int:
        """Wait for it to end by itself, and return its exit code."""
        async with waiting.limit():
            return await self._process.wait()


@contextlib.asynccontextmanager
async def running_server(
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = (sys.executable, "-m", "server"),
    listening: bool = True,
    migrated: bool = True,
) -> AsyncIterator[ServerProcess]:
    """A server of its own on a free port, its database in `folder`.

    The operator is let in (`tests.databases`). Starting a second one on the same `folder` goes on
    with the same data; with `migrated` false it finds that as it is. `env` stands over the clean
    environment of `clean_environment`. With `listening` false it is handed over as soon as it is
    started, for tests of a start that fails. It and all that it started is killed at the end.
    """
    database = folder / "pushlog.db"
    if migrated:
        make_database(database)
    mark = uuid.uuid4().hex
    environment = {
        **clean_environment(folder),
        "PORT": "0",
        "HOST": "127.0.0.1",
        "DATABASE_URL": f"sqlite:///{database}",
        **(env or {}),
        MARK: mark,
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_MAX_LINE_BYTES,
    )
    log = Log()
    async with _read_to_end(process, {log: process.stdout}, mark):
        server = ServerProcess(process, log, mark)
        if listening:
            await server.wait_until_listening()
        yield server


class EngineProcess:
    """A running engine: `log` is its stdout, a message a line, `errors` its stderr."""

    def __init__(self, process: asyncio.subprocess.Process, log: Log, errors: Log) -> None:
        self.log = log
        self.errors = errors
        self._process = process

    def send(self, *messages: Inbound) -> None:
        """Write messages to it, a line each."""
        self.send_bytes(encode_lines(messages))

    def send_bytes(self, lines: bytes) -> None:
        """Write bytes to it as they are."""
        assert self._process.stdin is not None
        self._process.stdin.write(lines)

    def messages(self) -> list[Outbound]:
        """All that it has said so far."""
        return [decode_outbound(line.encode()) for line in self.log.lines]

    async def wait_for(self, kind: type[T], *, since: int = 0) -> T:
        """The first message of the type `kind`, at once if it is there already."""

        def first(lines: Sequence[str]) -> T | None:
            messages = (decode_outbound(line.encode()) for line in lines)
            return next((message for message in messages if isinstance(message, kind)), None)

        return await self.log.wait_until(first, what=f"a message {kind.__name__}", since=since)

    async def finish(self) -> int:
        """End its stdin, wait until it ends by itself, and return its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with waiting.limit():
            code = await self._process.wait()
            await self.log.wait_until(lambda _: self.log.ended or None, what="its end")
        return code

    async def kill(self) -> None:
        """End it at once (signal 9)."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@contextlib.asynccontextmanager
async def running_engine() -> AsyncIterator[EngineProcess]:
    """An engine of its own, fed by the test; killed at the end where it still runs."""
    mark = uuid.uuid4().hex
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "engine",
        cwd=ROOT,
        env={**clean_environment(ROOT), MARK: mark},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_MAX_LINE_BYTES,
    )
    log, errors = Log(), Log()
    async with _read_to_end(process, {log: process.stdout, errors: process.stderr}, mark):
        yield EngineProcess(process, log, errors)


def clean_environment(home: Path) -> dict[str, str]:
    """What every process of a test sees: nothing of the caller's settings, secrets or home."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        # An .env file of the developer's own must not reach a test.
        "PUSHLOG_ENV_FILE": os.devnull,
    }


def find_marked(mark: str) -> list[int]:
    """The running processes whose environment carries `mark`, however far down they were started.

    Read from /proc, so Linux only; elsewhere none is found.
    """
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in variables:
            found.append(int(entry.name))
    return sorted(found)


@contextlib.asynccontextmanager
async def _read_to_end(
    process: asyncio.subprocess.Process,
    streams: Mapping[Log, asyncio.StreamReader | None],
    mark: str,
) -> AsyncIterator[None]:
    """Reads what the process writes; kills it and all that it started when the context ends."""
    readers = [
        asyncio.create_task(log.read(stream))
        for log, stream in streams.items()
        if stream is not None
    ]
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await _end_marked(mark)
        if process.stdin is not None:
            process.stdin.close()
        await asyncio.gather(*readers)
        for log in streams:
            # pytest shows this only if the test failed.
            sys.stdout.write(f"--- {process.pid}\n{log.text()}\n")


async def _end_marked(mark: str) -> None:
    """Kill what carries `mark`, and return when the system has taken it away."""
    async with waiting.limit():
        while pids := find_marked(mark):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.01)
