"""Giving people and programs access from the server itself."""

import asyncio
from pathlib import Path

import aiohttp

from server.storage.database import open_database
from server.storage.main import accounts
from tests.databases import make_database
from tests.processes import ROOT, ServerProcess, clean_environment, running_server

SCRIPT = ROOT / "scripts" / "people"


async def people(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the script, on the database in `folder`."""
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        *arguments,
        cwd=folder,
        env={**clean_environment(folder), "DATABASE_URL": f"sqlite:///{folder}/pushlog.db"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    database, _, rest = err.decode().partition("\n")
    assert database == f"Database: {folder / 'pushlog.db'}"
    return process.returncode, out.decode().strip(), rest


async def status(server: ServerProcess, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{server.url}/api/incidents") as response,
    ):
        return response.status


async def test_a_token_can_be_had_before_there_is_an_account(tmp_path: Path) -> None:
    code, token, err = await people(tmp_path, "token", "my laptop")
    assert (code, err) == (0, "")
    _, reading, _ = await people(tmp_path, "token", "graphs", "--read-only")
    async with running_server(tmp_path) as server:
        assert await status(server, token) == 200
        assert await status(server, reading) == 200
        as_reader = {"Authorization": f"Bearer {reading}"}
        async with (
            aiohttp.ClientSession(headers=as_reader) as session,
            session.post(f"{server.url}/api/notifications/read-all") as response,
        ):
            assert response.status == 403


async def test_an_invitation_and_a_reset_lead_in_while_the_server_runs(tmp_path: Path) -> None:
    async with running_server(tmp_path) as server:
        code, link, _ = await people(tmp_path, "invite", "ada@example.org", "--admin")
        assert code == 0
        form = {"name": "Ada", "password": "correct horse battery"}
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            path = link.removeprefix("http://localhost:3000")
            async with session.post(f"{server.url}{path}", data=form) as response:
                assert response.status == 200
        assert await people(tmp_path, "list") == (0, "admin   ada@example.org  Ada", "")
        code, link, _ = await people(tmp_path, "reset", "Ada@example.org")
        async with aiohttp.ClientSession() as session:
            path = link.removeprefix("http://localhost:3000")
            async with session.get(f"{server.url}{path}") as response:
                assert response.status == 200
        code, token, _ = await people(tmp_path, "token", "ci", "--of", "ada@example.org")
        assert await status(server, token) == 200


async def test_who_is_removed_is_out_and_the_last_admin_stays(tmp_path: Path) -> None:
    path = make_database(tmp_path / "pushlog.db")
    async with open_database(path) as database, database.write() as tx:
        await accounts.add_first(tx, name="Ada", email="ada@example.org", hashed="x")
        await accounts.add(tx, name="Bob", email="bob@example.org", role="member", hashed="x")
    assert await people(tmp_path, "remove", "Bob@example.org") == (
        0,
        "Removed bob@example.org. Their sessions and tokens no longer work.",
        "",
    )
    assert await people(tmp_path, "list") == (0, "admin   ada@example.org  Ada", "")
    code, _, err = await people(tmp_path, "remove", "ada@example.org")
    assert (code, err) == (
        1,
        "scripts/people: ada@example.org is the last admin. Invite another one first.\n",
    )


async def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    assert (await people(tmp_path, "list"))[1].startswith("There are no accounts yet")
    code, _, err = await people(tmp_path, "reset", "ada@example.org")
    assert code == 1
    assert err == "scripts/people: No account has the mail address ada@example.org.\n"
