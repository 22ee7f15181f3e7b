"""`scripts/dead-letters` shows entries that crashed the engine, and replays or discards them."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession

from tests.processes import ServerProcess, running_server
from tests.signed_in import TOKEN

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "dead-letters"
POISONED = f"{sys.executable} -m tests.fakes.engines.misbehaving poisoned"


async def dead_letters(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the script, by this Python and without its packages."""
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        *arguments,
        env={
            "PATH": os.environ["PATH"],
            "PYTHON": sys.executable,
            "LANG": "C.UTF-8",
            "PUSHLOG_TOKEN": TOKEN,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def send_poison(server: ServerProcess) -> str:
    """The number of an entry that crashed the engine."""
    event = {
        "source": "test",
        "service": "shop",
        "environment": "production",
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": "error",
        "exception_type": "Poison",
        "message": "\x1b[31mred",
    }
    since = server.log.position()
    async with ClientSession() as session:
        url = f"{server.url}/api/webhooks/incidents"
        answer = await (await session.post(url, json=event)).json()
    await server.log.wait_for(f"entry {answer['seq']} is set aside", since=since)
    return str(answer["seq"])


async def test_a_dead_letter_is_listed_shown_replayed_and_discarded(tmp_path: Path) -> None:
    async with running_server(tmp_path, env={"INCIDENT_ENGINE_BIN": POISONED}) as server:
        where = ("--url", server.url)
        assert await dead_letters("list", *where) == (0, "No dead letters are waiting.\n", "")
        first = await send_poison(server)
        code, out, err = await dead_letters("list", *where)
        assert (code, err) == (0, "")
        assert out.split()[0] == first
        assert "waiting: the engine died of it twice, the second time so: killed by SIGKILL" in out

        code, out, err = await dead_letters("show", first, *where)
        assert (code, err) == (0, "")
        assert '"exception_type": "Poison"' in out
        assert "\x1b" not in out

        since = server.log.position()
        code, out, err = await dead_letters("replay", first, *where)
        again = out.split()[-1].rstrip(".")
        assert (code, err) == (0, "")
        assert out == f"Replayed {first} as entry {again}.\n"
        await server.log.wait_for(f"entry {again} is set aside", since=since)

        assert await dead_letters("discard", again, *where) == (0, f"Discarded {again}.\n", "")
        code, _, err = await dead_letters("replay", again, *where)
        assert code == 1
        assert err == "scripts/dead-letters: This dead letter was already discarded.\n"

        assert await dead_letters("list", *where) == (0, "No dead letters are waiting.\n", "")
        _, out, _ = await dead_letters("list", "--all", *where)
        assert f"replayed as {again}: " in out
        assert "discarded: " in out


async def test_what_is_not_there_is_said(server: ServerProcess) -> None:
    code, _, err = await dead_letters("show", "77", "--url", server.url)
    assert (code, err) == (1, "scripts/dead-letters: There is no dead letter 77.\n")


async def test_without_a_server_it_says_where_it_looked() -> None:
    code, _, err = await dead_letters("list", "--url", "http://127.0.0.1:1")
    assert code == 2
    assert err.startswith("scripts/dead-letters: no answer from http://127.0.0.1:1: ")


async def test_what_is_no_number_is_refused() -> None:
    code, _, err = await dead_letters("replay", "all")
    assert code == 2
    assert "'all' is not the number of an entry" in err
