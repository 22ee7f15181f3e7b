"""The server as a process that may be killed at any moment, and is then started again."""

import asyncio
import contextlib
import os
import shlex
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

_MARK = "PUSHLOG_CHAOS"
_KEPT = ("PATH", "HOME", "PYTHONPATH")
_START_S = 30.0
_ANSWER_S = 2.0
_STOP_S = 10.0
"""As long as pm2 waits (`ecosystem.config.js`), because the machine is busy with the load."""


class Server:
    """Starts the server in `folder` again whenever it was killed; its log is a file there."""

    def __init__(
        self,
        folder: Path,
        engine: Sequence[str],
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "server"),
        host: str = "127.0.0.1",
    ) -> None:
        """Set up the server. `env` takes precedence over the clean environment that it is given."""
        self.first: Sequence[str] | None = None
        """The command to run once in place of the server; it ends by a defect of its own."""
        self.folder = folder
        self.database = folder / "pushlog.db"
        self.journal = folder / "pushlog-journal.db"
        self.log = folder / "server.process.log"
        self.up = asyncio.Event()
        """Set while the server listens, as far as is known."""
        self.starts_again_after = {-signal.SIGKILL.value}
        """The exit codes after which it is started again; any other ends the round."""
        self.kills = 0
        """How often it ended by signal 9, or by the defect of the `first`."""
        self.port = _free_port()
        self.host = host
        self.url = f"http://{host}:{self.port}"
        self._mark = uuid.uuid4().hex
        self._environment = {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "PUSHLOG_ENV_FILE": os.devnull,
            "HOST": host,
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{self.database}",
            "INCIDENT_ENGINE_BIN": shlex.join(engine),
            **(env or {}),
            _MARK: self._mark,
        }
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._may_fail = False

    @property
    def pid(self) -> int | None:
        """Return its process id, while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def engines(self) -> list[int]:
        """Return all that it, or an earlier life of it, has started and that still runs."""
        wanted = f"{_MARK}={self._mark}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                variables = (entry / "environ").read_bytes().split(b"\0")
                if wanted in variables and int(entry.name) != self.pid:
                    found.append(int(entry.name))
        return found

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it running; at the end, ask it to stop, which it must do in order."""
        await self._start()
        keeping = asyncio.create_task(self._keep(), name="keep the server running")
        try:
            yield
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            if self.pid is None:
                await self._start()
            await self._stop()
        finally:
            keeping.cancel()
            self.kill()
            for pid in self.engines():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def _start(self) -> None:
        command = self.first or self._command
        self._may_fail, self.first = self.first is not None, None
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, env=self._environment, stdout=log, stderr=log
            )
        async with asyncio.timeout(_START_S):
            while True:
                if await self._answers():
                    self.up.set()
                    return
                if self._process.returncode is not None:
                    # Killed while it started: its death belongs to `_keep`.
                    return
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        """Return whether it answers; it takes connections before it can."""
        try:
            # It may be cut off meanwhile.
            async with asyncio.timeout(_ANSWER_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                writer.write(b"GET /health HTTP/1.0\r\n\r\n")
                answered = bool(await reader.read(1))
                writer.close()
        except OSError:
            return False
        return answered

    async def _keep(self) -> None:
        while True:
            if self._process is None:
                raise RuntimeError("the server was never started")
            code = await self._process.wait()
            self.up.clear()
            if code not in self.starts_again_after and not (self._may_fail and code == 1):
                raise RuntimeError(f"the server ended with {code}: see {self.log}")
            self.kills += 1
            await self._start()

    async def _stop(self) -> None:
        while True:
            if self._process is None or self.pid is None:
                raise RuntimeError("there is no server to stop")
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)
            async with asyncio.timeout(_STOP_S):
                code = await self._process.wait()
            if code == 0:
                break
            if code not in (-signal.SIGKILL, -signal.SIGINT):
                raise RuntimeError(f"the server stopped with {code}: see {self.log}")
            # Killed over its last words, or stopped while it started: the next one says them.
            self.kills += 1
            await self._start()
        if left := self.engines():
            raise RuntimeError(f"processes {left} outlived the server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
