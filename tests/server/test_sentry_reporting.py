"""PushLog's own errors reach Sentry, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sentry_sdk
from aiohttp import web

from server.notify.crash import CrashReporter
from server.process import log, sentry_reporting
from server.storage.files.crash_files import CrashFiles


@pytest.fixture
async def sentry() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A DSN, and the envelopes that were sent to it."""
    envelopes: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        envelopes.append(await request.read())
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/api/1/envelope/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://key@127.0.0.1:{runner.addresses[0][1]}/1", envelopes
    sentry_sdk.get_client().close(timeout=1)
    sentry_sdk.get_global_scope().set_client(None)
    await runner.cleanup()


async def test_an_error_is_reported_without_what_the_variables_held(
    sentry: tuple[str, list[bytes]],
) -> None:
    dsn, envelopes = sentry
    sentry_reporting.start(dsn)
    secret = "hunter" + str(len("ab"))
    try:
        raise RuntimeError("the worker ended")
    except RuntimeError as error:
        log.server(40, " ".join(("only", "for", "the", "log")), exc_info=error)
        sentry_reporting.report(error)
    await asyncio.to_thread(sentry_reporting.flush)
    sent = b"".join(envelopes)
    assert b"the worker ended" in sent
    assert secret.encode() not in sent
    assert b"only for the log" not in sent


async def test_a_crash_is_reported_once_for_each_cause(
    sentry: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    dsn, envelopes = sentry
    sentry_reporting.start(dsn)
    crashes = CrashReporter(CrashFiles(tmp_path / "pushlog.db"))
    for _ in range(2):
        crashes.report(RuntimeError("the worker ended"))
        crashes.report(ValueError("the reader ended"))
    await asyncio.to_thread(sentry_reporting.flush)
    sent = b"".join(envelopes)
    assert sent.count(b'"value":"the worker ended"') == 1
    assert sent.count(b'"value":"the reader ended"') == 1


async def test_without_a_dsn_nothing_is_set_up() -> None:
    sentry_reporting.start(None)
    assert not sentry_sdk.is_initialized()
    sentry_reporting.report(RuntimeError("nobody hears this"))
    sentry_reporting.flush()
