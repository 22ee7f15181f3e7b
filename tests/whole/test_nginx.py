"""Behind nginx with TLS, as docs/DEPLOY.md sets it up: strangers get nothing, people everything."""

import asyncio
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
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

from tests.processes import ROOT, Log, ServerProcess, running_server
from tests.server.web.test_auth import GUARDED, filled
from tests.waiting import limit

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
DOCUMENTED = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs/DEPLOY.md").read_text(), re.DOTALL)
ADDRESS = "127.0.0.2"
"""Where nginx listens: only we use it, so that a free port of it stays free."""
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

HTTP_BY_PROXY = pytest.mark.parametrize("spoken", ["1.0", "1.1"])

pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="needs Debian's nginx"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
]


class Front(NamedTuple):
    """PushLog and the nginx in front of it."""

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
async def nginx_in_front(folder: Path, spoken: str) -> AsyncIterator[Front]:
    """Both, with nginx speaking this version of HTTP to PushLog."""
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        port = free.getsockname()[1]
    url, certificate = f"https://{ADDRESS}:{port}", folder / "cert.pem"
    await asyncio.to_thread(make_certificate, folder / "key.pem", certificate)
    env = {"PUBLIC_URL": url, "TRUSTED_PROXIES": "127.0.0.1"}
    async with running_server(folder, env=env) as server:
        (site,) = DOCUMENTED
        for documented, here in (
            ("127.0.0.1:3000", server.url.removeprefix("http://")),
            ("listen 80;", f"listen {ADDRESS}:{port} ssl;"),
            ("proxy_http_version 1.1;", f"proxy_http_version {spoken};"),
        ):
            assert documented in site
            site = site.replace(documented, here)
        async with running_nginx(folder, site):
            yield Front(server, url, certificate)


def make_certificate(key: Path, certificate: Path) -> None:
    """As certbot does, but nobody has signed it."""
    ask = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=pushlog"
    paths = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", *ask.split(), "-addext", f"subjectAltName=IP:{ADDRESS}", *paths]
    subprocess.run(command, check=True, capture_output=True)


@asynccontextmanager
async def running_nginx(folder: Path, site: str) -> AsyncIterator[None]:
    """An nginx that serves this site, with the certificate of `folder`."""
    config = folder / "nginx.conf"
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log stderr notice;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}ssl_certificate {folder}/cert.pem;\n"
        f"ssl_certificate_key {folder}/key.pem;\n{site}}}\n"
    )
    assert NGINX is not None
    process = await asyncio.create_subprocess_exec(
        NGINX, "-e", "stderr", "-c", config, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    log = Log()
    reading = asyncio.create_task(log.read(process.stderr))
    try:
        await log.wait_for("start worker process ")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        async with limit():
            await process.wait()
            await reading


@HTTP_BY_PROXY
async def test_a_stranger_gets_nothing(tmp_path: Path, spoken: str) -> None:
    as_if_local = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}
    async with nginx_in_front(tmp_path, spoken) as front:
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


@HTTP_BY_PROXY
async def test_who_signs_in_has_a_safe_cookie_a_place_and_live_news(
    tmp_path: Path, spoken: str
) -> None:
    async with nginx_in_front(tmp_path, spoken) as front, front.session() as person:
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
