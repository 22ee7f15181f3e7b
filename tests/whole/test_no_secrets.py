"""No secret of the settings or of an error is in a page, the API, the log, metrics or backups.

Every secret is a word of its own, all services that PushLog talks to fail and repeat what they were
sent, and whatever can be looked at is looked at.
"""

import asyncio
import hashlib
import hmac
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests import builders
from tests.fakes.smtp import FakeSmtp
from tests.processes import ServerProcess, running_server
from tests.server.ingest.github_payloads import sample as github_sample
from tests.server.ingest.sentry_payloads import sample
from tests.signed_in import AS_OPERATOR, SECRET, TOKEN

ADDRESS = re.compile(r'href="(/[^"#]*)')
NO_PAGE = ("/static/", "/logout")
LEAST_PAGES = 25

IN_SETTINGS = {
    "SENTRY_WEBHOOK_SECRET": "sentryalpha7f3a",
    "GITHUB_WEBHOOK_SECRET": "githubbravo8c4d",
    "INCIDENT_WEBHOOK_SECRET": "owncharlie1e5f",
    "GITHUB_TOKEN": "ghp_delta2a6b3c7d4e8f5a9b6c1d7e2f8a3b9c4d5e6f",
    "SMTP_PASS": "mailecho3b7c",
    "SLACK_BOT_TOKEN": "xoxb-foxtrot-4c8d-5e9f",
    "WEBHOOK_SECRET": "whsec_kilo2d4f6b8aKilo2d4f6b8aKilo2d4f6b8a",
}
IN_HEARTBEAT = "beatgolf5d9e"
IN_WEBHOOK = ("pathlima9b3e", "loginmike4a7d", "querynovember6c2f")
IN_ERRORS = {
    "password": "paperhotel6e1f",
    "Authorization": "Bearer barrelindia7a2b8c3d9e",
    "api_key": "sk_live_juliet8b3c9d4e1f6a2b7c",
}


@pytest.fixture
async def parrot() -> AsyncIterator[str]:
    """The address of a server that refuses everything, and repeats what it was sent."""

    async def refuse(request: web.Request) -> web.Response:
        said = f"{request.method} {request.path_qs} {dict(request.headers)} {await request.text()}"
        return web.json_response({"ok": False, "error": said, "message": said}, status=401)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", refuse)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


def in_webhook(parrot: str) -> str:
    path, login, query = IN_WEBHOOK
    return f"{parrot.replace('://', f'://ada:{login}@')}/{path}?token={query}"


def settings(parrot: str, smtp_port: int, folder: Path) -> dict[str, str]:
    return IN_SETTINGS | {
        "HEARTBEAT_URL": f"{parrot}/ping/{IN_HEARTBEAT}",
        "GITHUB_API_URL": parrot,
        "SLACK_API_URL": parrot,
        "SLACK_CHANNEL": "C1",
        "WEBHOOK_URLS": in_webhook(parrot),
        "APPRISE_URLS": in_webhook(parrot).replace("http://", "json://"),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "SMTP_USER": "ada",
        "SMTP_FROM": "pushlog@acme.example",
        "SMTP_SECURITY": "none",
        "BACKUP_FOLDER": str(folder / "backups"),
    }


async def test_no_secret_can_be_seen_anywhere(
    tmp_path: Path, parrot: str, http: aiohttp.ClientSession
) -> None:
    async with FakeSmtp(login=("ada", "another")) as mail:
        env = settings(parrot, mail.port, tmp_path)
        async with running_server(tmp_path, env=env) as server:
            wishes = {"email": "ada@acme.example", "email_incidents": True}
            await ask(http, server, "PUT", "/api/settings/notifications", json=wishes)
            await send_all(http, server)
            for what in (
                "slack .* not delivered",
                "email .* not delivered",
                "webhook .* not delivered",
                "apprise .* not delivered",
                "GITHUB_TOKEN is wrong",
                "heartbeat does not arrive",
                "Made a backup",
            ):
                await server.log.wait_for(what)
            pages = await crawl(http, server)
            said = await back_up(tmp_path, env)
            assert await server.interrupt() == 0
    assert len(pages) >= LEAST_PAGES, sorted(pages)
    assert sum("login failed" in text for text in pages.values()) > 1
    backups = tmp_path / "backups"
    seen = pages | {
        "the log": server.log.text(),
        "what the backup says": said,
        "the listing of backups": "\n".join(map(str, backups.rglob("*"))),
    }
    seen |= {str(each): each.read_text() for each in backups.rglob("*.json")}
    for where, text in seen.items():
        for name, secret in secrets():
            assert secret not in text, f"{name} is in {where}"


async def back_up(folder: Path, env: dict[str, str]) -> str:
    backup = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.commands.backup", folder / "backups"),
        env=env | {"DATABASE_URL": f"sqlite:///{folder / 'pushlog.db'}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await backup.communicate()
    assert backup.returncode == 0, said
    return said.decode()


async def ask(
    http: aiohttp.ClientSession, server: ServerProcess, method: str, path: str, **fields: Any
) -> str:
    """The answer to the operator, also that there is no such page."""
    async with http.request(
        method, server.url + path, headers=AS_OPERATOR, allow_redirects=False, **fields
    ) as response:
        assert response.status < 400 or response.status == 404, f"{path}: {response.status}"
        return await response.text()


async def send_all(http: aiohttp.ClientSession, server: ServerProcess) -> None:
    """Webhooks with secrets in them: taken, refused, and from a sender who is mistaken."""
    own = msgspec.to_builtins(builders.event())
    told = dict(IN_ERRORS)
    own |= {
        "message": f"login failed: password={told['password']} api_key={told['api_key']}",
        "tags": told,
        "request_url": f"https://shop.example/login?api_key={told['api_key']}",
        "context": {"request": {"headers": told, "body": json.dumps(told)}, "user": told},
    }
    with_token = {"X-Incident-Webhook-Secret": IN_SETTINGS["INCIDENT_WEBHOOK_SECRET"]}
    await post(http, server, "incidents", json.dumps(own).encode(), with_token, 202)
    await post(http, server, "incidents", json.dumps(own | told).encode(), with_token, 202)
    await post(
        http, server, "incidents", json.dumps(own | {"severity": told}).encode(), with_token, 400
    )
    wrong = {"X-Incident-Webhook-Secret": told["password"]}
    await post(http, server, "incidents", json.dumps(own).encode(), wrong, 401)

    alert = sample()
    alert["data"]["event"]["exception"]["values"][0]["value"] = own["message"]
    alert["data"]["event"]["request"] = {"headers": list(told.items()), "data": told, "url": "/"}
    body = json.dumps(alert).encode()
    signature = hmac.new(IN_SETTINGS["SENTRY_WEBHOOK_SECRET"].encode(), body, hashlib.sha256)
    signed = {"Sentry-Hook-Signature": signature.hexdigest(), "Sentry-Hook-Resource": "event_alert"}
    await post(http, server, "sentry", body, signed, 202)
    await post(http, server, "sentry", body, signed | {"Sentry-Hook-Signature": "00"}, 401)

    push = json.dumps(github_sample("push")).encode()
    signature = hmac.new(IN_SETTINGS["GITHUB_WEBHOOK_SECRET"].encode(), push, hashlib.sha256)
    github = {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={signature.hexdigest()}"}
    await post(http, server, "github", push, github, 202)


async def post(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    path: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    url = f"{server.url}/api/webhooks/{path}"
    async with http.post(url, data=body, headers=headers) as response:
        assert response.status == status, await response.text()


async def crawl(http: aiohttp.ClientSession, server: ServerProcess) -> dict[str, str]:
    """All that the operator can see, by its address: each page that is linked, and the API."""
    document = json.loads(await ask(http, server, "GET", "/api/openapi.json"))
    left = ["/incidents", "/metrics", "/health", "/health/engine"]
    left += [path for path, ways in document["paths"].items() if "get" in ways and "{" not in path]
    left.remove("/api/notifications/stream")
    seen: dict[str, str] = {}
    while left:
        path = left.pop()
        if path in seen or path.startswith(NO_PAGE):
            continue
        seen[path] = await ask(http, server, "GET", path)
        left += [unescape(found) for found in ADDRESS.findall(seen[path])]
        left += [f"/api{path}"] if path.startswith(("/incidents/", "/events/")) else []
    return seen


def secrets() -> Iterator[tuple[str, str]]:
    yield from IN_SETTINGS.items()
    yield "HEARTBEAT_URL", IN_HEARTBEAT
    yield from (("WEBHOOK_URLS", each) for each in IN_WEBHOOK)
    yield from ((name, text.rpartition(" ")[2]) for name, text in IN_ERRORS.items())
    yield "the cookie", SECRET
    yield "the token", TOKEN
