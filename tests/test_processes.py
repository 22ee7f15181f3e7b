"""What other tests rely on: waits that end, clean environments, nothing left behind."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.pipe import Ping, Pong, Ready
from tests import waiting
from tests.processes import ROOT, Log, running_engine, running_server


async def test_a_server_and_its_engine_are_gone_when_the_context_ends(tmp_path: Path) -> None:
    async with running_server(tmp_path) as server:
        # Until a process is wholly loaded, its environment, by which it is found, reads as empty.
        await server.log.wait_for(r"\[incident-engine\] .* has its 0 states of entry 0")
        assert len(server.children()) == 1
    assert server.returncode is not None
    assert server.children() == []


async def test_what_the_developer_has_set_does_not_reach_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTRY_WEBHOOK_SECRET", "hunter2")
    async with running_server(tmp_path) as server:
        assert b"hunter2" not in environment_of(server.pid)


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_the_data_of_a_folder_are_found_again_by_the_next_server(tmp_path: Path) -> None:
    async with running_server(tmp_path) as server:
        await server.log.wait_for(r"\[incident-engine\] .* has its 0 states of entry 0")
        assert await server.interrupt() == 0
    async with running_server(tmp_path) as server:
        await server.log.wait_for(r"\[incident-engine\] .* has its \d+ states of entry 1")


async def test_an_engine_answers_and_ends_with_its_input() -> None:
    async with running_engine() as engine:
        await engine.wait_for(Ready)
        engine.send(Ping(7))
        assert await engine.wait_for(Pong) == Pong(7)
        assert await engine.finish() == 0


async def test_a_wait_fails_at_once_when_the_process_has_ended() -> None:
    log = await log_of(b"one\ntwo\n")
    assert (await log.wait_for("t.o"))[0] == "two"
    with pytest.raises(AssertionError, match="the process ended without a line that matches"):
        await log.wait_for("three")


async def test_a_wait_fails_with_the_lines_so_far_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "LIMIT_S", 0.05)
    log = Log()
    stream = asyncio.StreamReader()
    stream.feed_data(b"one\n")
    reading = asyncio.create_task(log.read(stream))
    with pytest.raises(AssertionError, match=r"waited 0.05 s in vain for a line .*:\none"):
        await log.wait_for("two")
    stream.feed_eof()
    await reading


async def test_lines_can_be_counted_and_those_from_before_passed_over() -> None:
    log = await log_of(b"a 1\nb\na 2\n")
    assert await log.wait_for_count("a", 2) == ["a 1", "a 2"]
    assert log.matching("a", since=1) == ["a 2"]


async def log_of(text: bytes) -> Log:
    stream = asyncio.StreamReader()
    stream.feed_data(text)
    stream.feed_eof()
    log = Log()
    await log.read(stream)
    return log


SKIPS = """
import pytest

@pytest.mark.skipif(True, reason="there is no chromium")
def test_a_page():
    pass

@pytest.mark.xfail(reason="wanted", strict=True)
def test_what_is_wanted():
    assert False
"""


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--no-skips"], 1)])
def test_a_skipped_test_fails_where_everything_must_be_there(
    tmp_path: Path, options: list[str], code: int
) -> None:
    (tmp_path / "test_it.py").write_text(SKIPS)
    plugin = ["-c", os.devnull, "-p", "tests.no_skips"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", *plugin, *options, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code, run.stdout
    assert "there is no chromium" in run.stdout
    assert "1 xfailed" in run.stdout
