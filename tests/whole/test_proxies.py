"""Behind nginx or Caddy with TLS, as docs/DEPLOY.md sets them up: who gets what, and when."""

import asyncio
import io
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import (
    ClientSession,
    CookieJar,
    HttpVersion,
    HttpVersion10,
    HttpVersion11,
    TCPConnector,
    hdrs,
)

from tests.processes import ROOT, Log, ServerProcess, clean_environment, running_server
from tests.server.web.test_auth import GUARDED, filled
from tests.waiting import limit
from tests.whole.test_reload import reloaded

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
DEPLOY = (ROOT / "docs/DEPLOY.md").read_text()
(SITE,) = re.findall(r"```nginx\n(.*?)```", DEPLOY, re.DOTALL)
(CADDYFILE,) = re.findall(r"Caddyfile`:\n\n```\n(.*?)```", DEPLOY, re.DOTALL)
ADDRESS = "127.0.0.2"
"""Where the proxy listens: only we use it, so that a free port of it stays free."""
ELSEWHERE = "127.0.0.3"
"""Where people and strangers come from."""

EVENT = {
    "source": "test",
    "timestamp": datetime.now(UTC).isoformat(),
    "service": "shop",
    "environment": "production",
    "exception_type": "KeyError",
    "message": "SKU-1",
    "severity": "error",
}

_needs_nginx = pytest.mark.skipif(NGINX is None, reason="needs Debian's nginx")
_needs_caddy = pytest.mark.skipif(CADDY is None, reason="needs Debian's caddy")

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
    pytest.mark.parametrize(
        "proxy",
        [
            pytest.param("nginx, HTTP 1.0", marks=_needs_nginx),
            pytest.param("nginx, HTTP 1.1", marks=_needs_nginx),
            pytest.param("caddy", marks=_needs_caddy),
        ],
    ),
]


class Front(NamedTuple):
    """PushLog and the proxy in front of it."""

    server: ServerProcess
    url: str
    certificate: Path

    def session(self, version: HttpVersion = HttpVersion11) -> ClientSession:
        """A caller from `ELSEWHERE`."""
        trust = ssl.create_default_context(cafile=str(self.certificate))
        connector = TCPConnector(ssl=trust, local_addr=(ELSEWHERE, 0))
        jar = CookieJar(unsafe=True)  # It also keeps the cookies of addresses without a name.
        return ClientSession(self.url, connector=connector, version=version, cookie_jar=jar)


@asynccontextmanager
async def in_front(folder: Path, proxy: str) -> AsyncIterator[Front]:
    """Both, with the proxy of that name."""
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        port = free.getsockname()[1]
    url, certificate = f"https://{ADDRESS}:{port}", folder / "cert.pem"
    await asyncio.to_thread(make_certificate, folder / "key.pem", certificate)
    env = {"PUBLIC_URL": url, "TRUSTED_PROXIES": "127.0.0.1"}
    async with running_server(folder, env=env) as server:
        behind = server.url.removeprefix("http://")
        if proxy == "caddy":
            running = running_caddy(folder, url, behind)
        else:
            running = running_nginx(folder, port, behind, proxy.rpartition(" ")[2])
        async with running:
            yield Front(server, url, certificate)


def replaced(documented: str, changes: Mapping[str, str]) -> str:
    """The text with each of these in it, as many of them as there are, replaced."""
    for before, after in changes.items():
        assert before in documented
        documented = documented.replace(before, after)
    return documented


def make_certificate(key: Path, certificate: Path) -> None:
    """As certbot does, but nobody has signed it."""
    ask = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=pushlog"
    paths = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", *ask.split(), "-addext", f"subjectAltName=IP:{ADDRESS}", *paths]
    subprocess.run(command, check=True, capture_output=True)


@asynccontextmanager
async def running(folder: Path, started: str, command: Sequence[str | Path]) -> AsyncIterator[None]:
    """A proxy whose log has the line `started` once it serves."""
    process = await asyncio.create_subprocess_exec(
        *command, env=clean_environment(folder), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    log = Log()
    reading = asyncio.create_task(log.read(process.stderr))
    try:
        await log.wait_for(started)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        async with limit():
            await process.wait()
            await reading


@asynccontextmanager
async def running_nginx(folder: Path, port: int, behind: str, spoken: str) -> AsyncIterator[None]:
    """An nginx that speaks this version of HTTP to PushLog."""
    site = replaced(
        SITE,
        {
            "127.0.0.1:3000": behind,
            "listen 80;": f"listen {ADDRESS}:{port} ssl;",
            "proxy_http_version 1.1;": f"proxy_http_version {spoken};",
        },
    )
    config = folder / "nginx.conf"
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As root it would become another user, who cannot write here.
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log stderr notice;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}ssl_certificate {folder}/cert.pem;\n"
        f"ssl_certificate_key {folder}/key.pem;\n{site}}}\n"
    )
    assert NGINX is not None
    command = (NGINX, "-e", "stderr", "-c", config)
    async with running(folder, "start worker process ", command):
        yield


@asynccontextmanager
async def running_caddy(folder: Path, url: str, behind: str) -> AsyncIterator[None]:
    """A Caddy with a certificate of ours, because it can get none for this address."""
    tls = f"{url} {{\n\ttls {folder}/cert.pem {folder}/key.pem"
    site = replaced(CADDYFILE, {"127.0.0.1:3000": behind, "pushlog.example.com {": tls})
    config = folder / "Caddyfile"
    config.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}")
    assert CADDY is not None
    command = (CADDY, "run", "--adapter", "caddyfile", "--config", config)
    async with running(folder, "serving initial configuration", command):
        yield


async def test_a_stranger_gets_nothing(tmp_path: Path, proxy: str) -> None:
    as_if_local = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}
    async with in_front(tmp_path, proxy) as front:
        for version in (HttpVersion10, HttpVersion11):
            async with front.session(version) as stranger:
                for route in GUARDED:
                    async with stranger.request(
                        route.method, filled(route), headers=as_if_local, allow_redirects=False
                    ) as response:
                        answer = (response.status, response.headers.get(hdrs.LOCATION, ""))
                    is_program = route.path.startswith("/api/")
                    assert answer[0] == (401 if is_program else 303), (route, answer)
                    assert is_program or answer[1].startswith("/login"), (route, answer)
                async with stranger.get("/metrics", headers=as_if_local) as response:
                    assert response.status == 401


async def test_who_signs_in_has_a_safe_cookie_a_place_and_live_news(
    tmp_path: Path, proxy: str
) -> None:
    async with in_front(tmp_path, proxy) as front, front.session() as person:
        code = (await front.server.log.wait_for(r"First account: \S+ with code (\S+)"))[1]
        form = {
            "code": code,
            "name": "Ada",
            "email": "ada@example.org",
            "password": "correct horse battery",
        }
        invented = {"X-Forwarded-For": "198.51.100.7"}
        async with person.post(
            "/first-account", data=form, headers=invented, allow_redirects=False
        ) as response:
            assert response.status == 303
            (cookie,) = response.headers.getall(hdrs.SET_COOKIE)
        assert cookie.startswith("__Host-pushlog-")
        assert {"Secure", "HttpOnly"} <= set(cookie.split("; "))
        async with person.get("/api/account/sessions") as response:
            answer = await response.json()
        (current,) = [each for each in answer["sessions"] if each["id"] == answer["current"]]
        assert current["address"] == ELSEWHERE
        async with person.get("/api/notifications/stream") as stream:
            await anext(stream.content.__aiter__())
            async with person.post("/api/webhooks/incidents", json=EVENT) as response:
                assert response.status == 202
            async with limit():
                async for line in stream.content:
                    if b"notification" in line:
                        break


async def test_a_reload_is_not_noticed_behind_it(tmp_path: Path, proxy: str) -> None:
    async with in_front(tmp_path, proxy) as front, front.session() as sender:
        answers: list[int] = []

        async def send() -> None:
            while not done:
                async with sender.post("/api/webhooks/incidents", json=EVENT) as response:
                    answers.append(response.status)
                await asyncio.sleep(0.01)

        done = False
        async with asyncio.TaskGroup() as senders:
            for _ in range(4):
                senders.create_task(send())
            for _ in range(3):
                await reloaded(front.server)
            done = True
        assert set(answers) == {202}


async def test_bodies_as_large_as_github_sends_pass_and_larger_ones_are_refused_by_pushlog(
    tmp_path: Path, proxy: str
) -> None:
    async with in_front(tmp_path, proxy) as front, front.session() as sender:
        for size_mb, status in ((24.9, 400), (25.5, 413)):
            body = io.BytesIO(b"x" * int(size_mb * 1024 * 1024))
            headers = {"X-GitHub-Event": "push", "Content-Type": "application/json"}
            url = "/api/webhooks/github"
            async with sender.post(url, data=body, headers=headers) as response:
                assert response.status == status
