"""Stand between server and engine, and strike right before or after a certain message.

``python -m scripts.commands.chaos.pipe_proxy PLAN COMMAND...`` is an engine to the server. The plan
is a file of strikes, one JSON line each, which are made in order. Before a strike is made, a line
in the file ``PLAN.done`` crosses it off, so that the next life of the engine goes on with the next
one. So deaths fall between two given messages, without a hook in what is tested.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

STALL_S = 0.3

_NONSENSE = (
    b'{"type":"ack","seq":999999999}\n'
    b'{"type":"checkpoint","seq":999999999}\n'
    b'{"type":"decision","seq":999999999,"code":"known"}\n'
    b'{"type":"ready","engine":"again"}\n'
    b'\xff\xfe\x00\n{"type":"ack"\n[]\n\n{"type":"unheard of"}\n'
)

Blow = Literal["kill engine", "kill server", "kill both", "stall", "talk nonsense", "cut"]


class Strike(msgspec.Struct, frozen=True):
    """What to do at the `count`-th message of the `kind` that goes `to` one side.

    ``cut`` passes half of the message and then kills the engine. The others strike between two
    messages: before this one or, with `after`, once it has passed.
    """

    to: Literal["engine", "server"]
    kind: str
    count: int
    after: bool
    blow: Blow


class Wire:
    """Passes lines on, both ways, and strikes."""

    def __init__(self, plan: Path, engine: "subprocess.Popen[bytes]") -> None:
        self._engine = engine
        self._done = done_file(plan)
        self._strikes = _read_strikes(plan)
        self._next = len(read_done(plan))
        self._seen: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def relay(self, source: int, target: int, to: Literal["engine", "server"]) -> None:
        """Pass lines from `source` to `target` until it ends, then end `target`."""
        rest = b""
        while chunk := os.read(source, 65536):
            *lines, rest = (rest + chunk).split(b"\n")
            run: list[bytes] = []
            for line in lines:
                strike = self._due(line, to)
                if strike is None:
                    run.append(line + b"\n")
                    continue
                write_all(target, b"".join(run))
                run = []
                self._strike(strike, line + b"\n", target)
            write_all(target, b"".join(run))
        write_all(target, rest)
        os.close(target)

    def _due(self, line: bytes, to: Literal["engine", "server"]) -> Strike | None:
        kind = kind_of(line)
        with self._lock:
            count = self._seen[to, kind] = self._seen.get((to, kind), 0) + 1
            if self._next >= len(self._strikes):
                return None
            strike = self._strikes[self._next]
            if (strike.to, strike.kind) != (to, kind) or count < strike.count:
                return None
            self._next += 1
            with self._done.open("ab") as done:
                done.write(msgspec.json.encode(strike) + b"\n")
            return strike

    def _strike(self, strike: Strike, line: bytes, target: int) -> None:
        if strike.after:
            write_all(target, line)
        match strike.blow:
            case "stall":
                time.sleep(STALL_S)
            case "talk nonsense":
                if strike.to == "server":
                    write_all(target, _NONSENSE)
            case "cut":
                write_all(target, line[: len(line) // 2])
                self._kill(server=False)
            case "kill engine":
                self._kill(server=False)
            case "kill server":
                os.kill(os.getppid(), signal.SIGKILL)
            case "kill both":
                self._kill(server=True)
        if not strike.after:
            write_all(target, line)

    def _kill(self, *, server: bool) -> None:
        os.kill(self._engine.pid, signal.SIGKILL)
        if server:
            os.kill(os.getppid(), signal.SIGKILL)
        # What passed is in the pipes; nothing more comes from here.
        os.kill(os.getpid(), signal.SIGKILL)


def done_file(plan: Path) -> Path:
    """Return the file of the strikes that were made."""
    return plan.with_name(f"{plan.name}.done")


def read_done(plan: Path) -> list[Strike]:
    """Return the strikes that were made, in order."""
    done = done_file(plan)
    return _read_strikes(done) if done.exists() else []


def write_plan(plan: Path, strikes: Iterable[Strike]) -> None:
    """Write the plan with these strikes; none of them is made yet."""
    plan.write_bytes(msgspec.json.Encoder().encode_lines(strikes))


def _read_strikes(path: Path) -> list[Strike]:
    return [msgspec.json.decode(line, type=Strike) for line in path.read_bytes().splitlines()]


def kind_of(line: bytes) -> str:
    """Return the type of a message, with which every line of our two sides begins."""
    return line.split(b'"', 4)[3].decode(errors="replace") if line.startswith(b'{"type"') else ""


def write_all(target: int, data: bytes) -> None:
    """Write to a pipe; if its reader is gone, discard everything."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(target, view) :]
    except BrokenPipeError:
        pass


def main() -> int:
    """Return the exit code of the engine."""
    plan, *command = sys.argv[1:]
    engine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if engine.stdin is None or engine.stdout is None:
        raise OSError("a process was made without its pipes")
    wire = Wire(Path(plan), engine)
    inward = threading.Thread(
        target=wire.relay, args=(0, os.dup(engine.stdin.fileno()), "engine"), daemon=True
    )
    engine.stdin.close()
    inward.start()
    wire.relay(engine.stdout.fileno(), 1, "server")
    return engine.wait()


if __name__ == "__main__":
    sys.exit(main())
