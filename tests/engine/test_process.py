"""`python -m engine` as a process, as a shell, a server and a terminal see it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from shared.pipe import (
    MAX_LINE_BYTES,
    Ack,
    Checkpoint,
    Decision,
    Error,
    Outbound,
    Ping,
    Pong,
    Ready,
    decode_outbound,
    encode_lines,
)
from tests import builders
from tests.engine.drive import codes, of_type
from tests.processes import EngineProcess

ROOT = Path(__file__).resolve().parents[2]
ENGINE = (sys.executable, "-m", "engine")


def answers(text: bytes) -> list[Outbound]:
    return [decode_outbound(line) for line in text.splitlines()]


def test_a_file_of_plain_events_is_answered_and_the_engine_ends_well(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(
        msgspec.json.Encoder().encode_lines([builders.event(n) for n in range(3)])
        + msgspec.json.encode(builders.event(3))
    )
    with events.open("rb") as file:
        done = subprocess.run(ENGINE, stdin=file, capture_output=True, cwd=ROOT, check=True)
    out = answers(done.stdout)
    assert isinstance(out[0], Ready)
    assert codes(out) == ["opened", "in_incident", "in_incident", "in_incident"]
    assert out[-1] == Checkpoint(4)
    assert done.stderr == b""


def test_an_empty_input_is_the_end(tmp_path: Path) -> None:
    done = subprocess.run(ENGINE, input=b"", capture_output=True, cwd=ROOT, check=True)
    assert [type(line) for line in answers(done.stdout)] == [Ready]


async def test_answers_come_at_once_and_not_at_the_end(engine: EngineProcess) -> None:
    engine.send(builders.event_entry(1))
    assert (await engine.wait_for(Decision)).code == "opened"
    assert (await engine.wait_for(Ack)).seq == 1
    engine.send(Ping(id=9))
    assert await engine.wait_for(Pong) == Pong(id=9)
    assert await engine.finish() == 0


def test_a_line_that_is_too_long_is_dropped_and_the_next_is_read() -> None:
    text = b"x" * (MAX_LINE_BYTES + 2) + b"\n" + encode_lines([builders.event_entry(1)])
    done = subprocess.run(ENGINE, input=text, capture_output=True, cwd=ROOT, check=True)
    out = answers(done.stdout)
    assert [line.message for line in of_type(out, Error)] == [
        f"a line is longer than {MAX_LINE_BYTES} bytes"
    ]
    assert codes(out) == ["opened"]


async def test_an_interrupt_of_the_terminal_does_not_end_it_but_the_end_of_input_does() -> None:
    process = await asyncio.create_subprocess_exec(
        *ENGINE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.stdin.write(encode_lines([builders.event_entry(1)]))
    process.stdin.close()
    out = answers(await process.stdout.read())
    assert codes(out) == ["opened"]
    assert await process.wait() == 0


def test_it_ends_quietly_when_nobody_reads_its_answers() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        ENGINE,
        input=encode_lines([builders.event_entry(1)]),
        stdout=write_end,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, b"")
