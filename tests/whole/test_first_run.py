"""The first two minutes: what the README tells a new person to type, typed."""

import asyncio
import os
import re
from pathlib import Path

import aiohttp

from tests.processes import ROOT, ServerProcess, clean_environment, running_server
from tests.signed_in import TOKEN

RUN = (str(ROOT / "scripts/run"),)
CURL = re.search(
    r"^curl http://localhost:3000/api/webhooks/incidents .*?^\}'$",
    (ROOT / "docs/API.md").read_text(),
    re.DOTALL | re.MULTILINE,
)


async def shell(command: str, server: ServerProcess, folder: Path) -> str:
    """What `command` of the docs writes, with the address of `server` in it; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", command.replace("http://localhost:3000", server.url)),
        cwd=folder,
        env={**clean_environment(folder), "PUSHLOG_TOKEN": TOKEN},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_scripts_run_serves_and_its_first_steps_lead_to_an_incident(tmp_path: Path) -> None:
    async with running_server(tmp_path, command=RUN) as server:
        await server.log.wait_for(r"^PushLog is running\.$")
        account = await server.log.wait_for(r"Make the first account +(http://\S+)")
        code = await server.log.wait_for(r"with the code +(\S+)")
        pages = await server.log.wait_for(r"Incidents +(http://\S+)")
        try_it = await server.log.wait_for(r"Try it.* (scripts/send-sentry-webhook.*)")
        await shell(try_it[1], server, ROOT)
        opened = await server.log.wait_for(r"incident (inc-[0-9a-f]{16}) \(new_issue\)")

        filled = {
            "code": code[1],
            "name": "Ada",
            "email": "ada@example.org",
            "password": "correct horse battery",
        }
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            async with http.post(account[1], data=filled) as response:
                assert response.status == 200, await response.text()
            async with http.get(pages[1]) as response:
                assert opened[1] in await response.text()
        why = await shell(f"scripts/why {opened[1]} --url http://localhost:3000", server, ROOT)
        assert "never been seen before" in why
        assert await server.interrupt() == 0


async def test_the_event_of_the_docs_becomes_an_incident_and_leaves_no_dead_letter(
    tmp_path: Path,
) -> None:
    async with running_server(tmp_path) as server:
        assert CURL is not None
        assert '"accepted":' in await shell(CURL[0], server, tmp_path)
        await server.log.wait_for(r"incident inc-[0-9a-f]{16} \(new_issue\) shop/production: ")
        letters = (
            'curl -s -H "Authorization: Bearer $PUSHLOG_TOKEN" '
            "http://localhost:3000/api/dead-letters"
        )
        assert '"dead_letters":[]' in await shell(letters, server, tmp_path)
        health = 'curl -H "Authorization: Bearer $PUSHLOG_TOKEN" http://localhost:3000/health'
        assert '"status":"ok","reasons":[]' in await shell(health, server, tmp_path)


async def test_the_engine_alone_shows_what_it_does_with_sample_events(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        ROOT / "scripts/test-incident-engine",
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert re.search(r"inc-[0-9a-f]{16}", output.decode())


async def test_every_command_of_an_operator_explains_itself_from_any_folder(tmp_path: Path) -> None:
    scripts = [path for path in ROOT.glob("scripts/*") if path.is_file() and not path.suffix]
    async with asyncio.TaskGroup() as group:
        for script in scripts:
            if script.name != "in-environment":
                group.create_task(check_help(script, tmp_path))


async def check_help(script: Path, folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(script, "--help"),
        cwd=folder,
        env={**clean_environment(folder), "PATH": os.defpath},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, script.name
    assert re.match(rf"usage: (scripts/)?{script.name}\b", output.decode()), script.name


async def test_each_secret_that_is_missing_is_named_at_the_start_and_none_that_is_set(
    tmp_path: Path,
) -> None:
    names = ["SENTRY_WEBHOOK_SECRET", "INCIDENT_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET"]
    for missing in (names, names[2:], []):
        env = {name: "s3cret" for name in names if name not in missing}
        async with running_server(tmp_path, env=env) as server:
            await server.log.wait_for(r"\[server\] First account")
            said = server.log.matching("webhooks are unsigned")
            assert len(said) == bool(missing)
            assert [name for name in names if name in "".join(said)] == missing
