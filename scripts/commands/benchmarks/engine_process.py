"""Drive `python -m engine` for a benchmark: lines in through the pipe, incidents out."""

import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from scripts.commands.benchmarks import proc
from scripts.installation import ROOT
from shared.pipe import Error, Incident, Ping, Pong, decode_outbound, encode_lines

# Nothing else that the engine says is decoded: it is most of the output, and nobody needs it.
_WANTED = (b'{"type":"incident",', b'{"type":"pong",', b'{"type":"error",')


class EngineProcess:
    """One engine, fed until the block is left. Its output is read as it comes.

    Every method raises `RuntimeError` if the engine has ended or could not read a line.
    """

    def __init__(self) -> None:
        """Start the engine."""
        self._pings = 0
        self._said: SimpleQueue[Incident | Pong | Error | None] = SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the engine has no pipes")
        self._stdin, self._stdout = stdin, stdout
        self._reader = Thread(target=self._read, name="engine output", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(BrokenPipeError):
            self._stdin.close()
        self._reader.join()
        self._stdout.close()
        self._process.wait()

    def feed(self, lines: Iterable[bytes]) -> list[Incident]:
        """Feed `lines` (each with its end) and return what was said of incidents because of them.

        This returns when the engine has decided all of them.
        """
        self._pings += 1
        try:
            for line in lines:
                self._stdin.write(line)
            self._stdin.write(encode_lines([Ping(self._pings)]))
            self._stdin.flush()
        except BrokenPipeError as ended:
            raise RuntimeError("the engine has ended") from ended
        incidents: list[Incident] = []
        while True:
            match self._said.get():
                case Incident() as incident:
                    incidents.append(incident)
                case Pong():
                    return incidents
                case Error() as error:
                    raise RuntimeError(f"the engine cannot read a line: {error.message}")
                case None:
                    raise RuntimeError("the engine has ended")

    def cpu_s(self) -> float:
        """Return the seconds of processor time that it has used; 0 if the system has no /proc."""
        return proc.cpu_s(self._process.pid)

    def resident_bytes(self) -> int:
        """Return its memory as the system sees it; 0 if the system has no /proc."""
        return proc.resident_bytes(self._process.pid)

    def _read(self) -> None:
        for line in self._stdout:
            if line.startswith(_WANTED):
                match decode_outbound(line):
                    case Incident() | Pong() | Error() as said:
                        self._said.put(said)
        self._said.put(None)
