"""A child's last words reach people, even if it had no time to finish them."""

import asyncio
import contextlib
import fcntl
import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.supervisor.child import start_child
from tests.waiting import until


async def said_by(*command: str) -> tuple[str, Sequence[str]]:
    """How the command ended, and what it said to people."""
    said: list[str] = []
    child = await start_child(command, said.append)
    ended = await child.exited()
    await child.close()
    return ended, said


def has_ended(pid: str) -> bool:
    """Also where nobody has asked yet how it ended."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def largest_pipe() -> int:
    """The bytes of a pipe that asked for a mebibyte, which only some systems give."""
    reading, writing = os.pipe()
    try:
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1024 * 1024)
        return fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("first\\nlast", ["first", "last"]),
        ("first\\nlast\\n", ["first", "last"]),
        ("last", ["last"]),
        ("", []),
    ],
)
async def test_a_last_line_without_an_end_is_said_as_any_other(
    written: str, said: list[str]
) -> None:
    command = ("/bin/sh", "-c", f"printf '{written}' >&2; exit 3")
    assert await said_by(*command) == ("exit code 3", said)


@pytest.mark.parametrize(
    ("size", "said"), [(4_096, "0" * 4_096), (4_097, "(a line of 4097 bytes)")]
)
async def test_of_a_last_line_that_is_too_long_the_size_is_said(size: int, said: str) -> None:
    _, lines = await said_by("/bin/sh", "-c", f"printf '%0{size}d' 0 >&2")
    assert lines == [said]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program widen a pipe")
async def test_both_pipes_are_as_large_as_the_system_allows() -> None:
    sizes = "import fcntl; print([fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) for pipe in (0, 1)])"
    to_people = "import sys; sys.stdout = sys.stderr; " + sizes
    assert await said_by(sys.executable, "-c", to_people) == (
        "exit code 0",
        [str([largest_pipe()] * 2)],
    )


async def test_a_process_that_cannot_be_made_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="Argument list too long"):
        await said_by("/bin/true", "x" * 1_000_000)


async def test_a_flood_of_what_it_says_to_people_leaves_others_their_turn() -> None:
    said: list[str] = []
    child = await start_child(("/bin/sh", "-c", "yes >&2"), said.append)
    most = 0
    while len(said) < 500_000:
        before = len(said)
        await asyncio.sleep(0)
        most = max(most, len(said) - before)
    # A chunk of 16 KiB in lines of two bytes.
    assert most <= 8_192 + 1
    await child.kill()
    await child.close()


async def test_what_a_command_leaves_behind_ends_with_it() -> None:
    # It holds none of the pipes, whose end would tell it.
    leave = "sleep 1000 <&- >&- 2>&- & echo $! >&2"
    _, (left,) = await said_by("/bin/sh", "-c", leave)
    await until(lambda: has_ended(left))


async def test_nobody_listens_any_more_to_what_has_left_the_group_and_holds_the_pipe() -> None:
    said: list[str] = []
    leave = "setsid sh -c 'echo $$ >&2; exec sleep 1000' <&- >&- & sleep 1000"
    child = await start_child(("/bin/sh", "-c", leave), said.append)
    await until(lambda: bool(said))
    try:
        await child.kill()
        await child.close()
        await asyncio.sleep(0)
        assert not has_ended(said[0])
        assert "engine's stderr" not in {task.get_name() for task in asyncio.all_tasks()}
    finally:
        os.kill(int(said[0]), signal.SIGKILL)


async def test_the_number_of_a_process_that_has_ended_is_used_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signalled: list[int] = []
    child = await start_child(("/bin/true",), lambda _: None)
    await child.exited()
    monkeypatch.setattr(os, "killpg", lambda group, _: signalled.append(group))
    assert await child.kill() == "exit code 0"
    await child.close()
    assert signalled == []


async def test_a_pipe_that_breaks_is_no_error_that_nobody_heard_of() -> None:
    # asyncio of Python 3.11.2, which is Debian 12's, tells of it unless somebody asks.
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    child = await start_child(("/bin/sh", "-c", "exit 0"), lambda _: None)
    child.write(b"x" * 10_000_000)
    await child.drain()
    await child.exited()
    await child.close()
    del child
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
