"""`scripts/why` says in words what became of an event, and what is known about an incident."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.processes import ServerProcess, running_server
from tests.signed_in import TOKEN

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "why"


async def why(*arguments: str) -> tuple[int, str, str]:
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


async def decided(server: ServerProcess, **changes: Any) -> str:
    """The number of an event that was sent and has opened an incident."""
    event = {
        "source": "test",
        "service": "shop",
        "environment": "production",
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": "error",
        "exception_type": "ValueError",
        "message": "price is negative",
    }
    async with ClientSession() as session:
        url = f"{server.url}/api/webhooks/incidents"
        answer = await (await session.post(url, json=event | changes)).json()
    await server.log.wait_for(r"incident inc-[0-9a-f]{16} \(new_issue\)")
    return str(answer["seq"])


async def test_an_event_leads_to_its_incident_and_both_say_why(server: ServerProcess) -> None:
    seq = await decided(server)
    code, out, err = await why(seq, "--url", server.url)
    assert (code, err) == (0, "")
    assert out.startswith(f"Event {seq}: opened\n")
    assert "This error has never been seen before in production." in " ".join(out.split())
    incident_id = out.split()[-1]
    code, out, err = await why(incident_id, "--url", server.url)
    assert (code, err) == (0, "")
    assert out.startswith("ValueError: price is negative\n")
    for words in ("error in shop/production, open, 1 event since ", "Why\n", "What happened\n"):
        assert words in out


async def test_who_was_not_told_of_an_incident_is_said_with_the_reason(tmp_path: Path) -> None:
    floor = {"INCIDENT_NOTIFICATION_MIN_SEVERITY": "critical"}
    async with running_server(tmp_path, env=floor) as server:
        await decided(server)
        (line,) = server.log.matching("incident inc-")
        incident_id = next(word for word in line.split() if word.startswith("inc-"))
        code, out, _ = await why(incident_id, "--url", server.url)
    assert code == 0
    said = " ".join(out.partition("Not told")[2].split())
    assert "nobody was notified, because INCIDENT_NOTIFICATION_MIN_SEVERITY is critical." in said


async def test_what_a_sender_wrote_does_not_rule_the_terminal(server: ServerProcess) -> None:
    await decided(server, message="\x1b]0;owned\x07\x1b[2J", service="\u202eevil")
    line = server.log.matching("incident inc-")[0]
    incident_id = next(word for word in line.split() if word.startswith("inc-"))
    code, out, _ = await why(incident_id, "--url", server.url)
    assert code == 0
    assert "\\u202eevil/production" in out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)


async def test_what_is_not_known_is_said(server: ServerProcess) -> None:
    code, out, err = await why("4711", "--url", server.url)
    assert (code, out) == (1, "")
    assert "No decision on 4711 is stored" in err
    code, _, err = await why("inc-0123456789abcdef", "--url", server.url)
    assert (code, "There is no incident" in err) == (1, True)


async def test_where_nothing_listens_it_says_so() -> None:
    code, out, err = await why("1", "--url", "http://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert "no answer from http://127.0.0.1:1" in err


@pytest.mark.parametrize("what", ["x", "inc-1", "-1", "1.5", "٣", "../health"])
async def test_what_is_neither_event_nor_incident_is_refused(what: str) -> None:
    code, _, err = await why("--", what)
    assert code == 2
    assert "neither an event's number" in err
