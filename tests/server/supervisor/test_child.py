"""A child's last words come to people, also those that it had no time to end."""

import asyncio
from collections.abc import Sequence

import pytest

from server.supervisor.child import start_child


async def said_by(*command: str) -> tuple[str, Sequence[str]]:
    """How the command ended, and what it said to people."""
    said: list[str] = []
    child = await start_child(command, said.append)
    ended = await child.exited()
    await child.close()
    return ended, said


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
