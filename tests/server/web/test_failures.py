"""A handler that fails unforeseen answers 500, and what it failed of is kept for people."""

from pathlib import Path

import msgspec
from aiohttp import web
from pytest_aiohttp import AiohttpClient

from server.keys import SETTINGS
from server.notify.news import CrashNews
from server.storage.crash_files import CrashFiles
from tests.server.web.conftest import SIGNED_IN, build


async def test_what_a_handler_failed_of_is_kept_to_be_mailed(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    async def broken(_request: web.Request) -> web.Response:
        raise RuntimeError("nobody foresaw this")

    app = build(tmp_path)
    app.router.add_get("/api/broken", broken)
    client = await aiohttp_client(app, cookies=SIGNED_IN)
    response = await client.get("/api/broken")
    assert response.status == 500
    assert "foresaw" not in await response.text()
    ((_, content),) = CrashFiles(app[SETTINGS].database_path).waiting()
    assert msgspec.json.decode(content, type=CrashNews).message == "nobody foresaw this"
