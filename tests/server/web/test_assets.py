"""Static files are kept by browsers for good, and a new version is a new address."""

import re
from pathlib import Path

from pytest_aiohttp import AiohttpClient

from tests.server.web.conftest import SIGNED_IN, Client, build


async def test_pages_name_files_by_their_content_and_those_are_kept(client: Client) -> None:
    text = await (await client.get("/incidents")).text()
    addresses = re.findall(r'"(/static/[^"]+)"', text)
    assert len(addresses) == 3
    for address in addresses:
        response = await client.get(address)
        assert response.status == 200
        assert "immutable" in response.headers["Cache-Control"]


async def test_without_its_hash_a_file_is_asked_for_again_each_time(client: Client) -> None:
    first = await client.get("/static/pushlog.css")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get(
        "/static/pushlog.css", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status, await again.read()) == (304, b"")
    stale = await client.get("/static/pushlog.css", headers={"If-None-Match": '"old"'})
    assert stale.status == 200


async def test_a_reader_that_takes_no_gzip_gets_none(client: Client) -> None:
    packed = await client.get("/static/pushlog.js")
    plain = await client.get("/static/pushlog.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert await plain.read() == await packed.read()


async def test_nothing_else_is_served(client: Client) -> None:
    for name in ("nope.css", "..%2Fauth.py", "%2e%2e/auth.py", ""):
        assert (await client.get(f"/static/{name}")).status == 404


async def test_only_with_a_dsn_pages_report_their_errors_and_are_light_all_the_same(
    client: Client, tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    dsn = "https://key@sentry.example/7"
    (tmp_path / "other").mkdir()
    reporting = await aiohttp_client(
        build(tmp_path / "other", environ={"VITE_SENTRY_DSN": f"https://key:hunter2@{dsn[12:]}"}),
        cookies=SIGNED_IN,
    )
    for path in ("/incidents", "/login", "/incidents/none"):
        plain = await (await client.get(path)).text()
        assert "sentry.js" not in plain
        assert "data-dsn" not in plain
        response = await reporting.get(path)
        text = await response.text()
        assert f'data-dsn="{dsn}"' in text
        assert re.search(r'data-release="pushlog@\d+\.\d+\.\d+"', text)
        assert 'data-environment="localhost:3000"' in text
        policy = (await client.get(path)).headers["Content-Security-Policy"]
        assert response.headers["Content-Security-Policy"] == policy
        # Whatever comes later can fail, and is reported.
        first, second, *_ = re.findall(r'<script[^>]* src="/static/([^"?]+)', text)
        assert (first, second) == ("sentry.js", "browser_errors.js")
    text = await (await reporting.get("/incidents")).text()
    imported = ["/static/stream.js", "/static/masking.js"]
    total = 0
    for address in ("/incidents", *re.findall(r'"(/static/[^"]+)"', text), *imported):
        response = await reporting.get(
            address, headers={"Accept-Encoding": "gzip"}, auto_decompress=False
        )
        total += len(await response.read())
    assert total < 100_000
