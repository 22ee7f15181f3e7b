"""Handlers that do less than the server, each alone in a process, as a baseline for accepting.

`bare` reads the body. `decoding` also verifies and parses it with the server's own code, and stores
nothing. Both run like `python -m server`: one process of aiohttp, without access log.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from scripts.commands.benchmarks.accept_load import SECRET
from server.ingest.sentry import parse_sentry
from server.ingest.signatures import verify_sentry

KINDS = ("bare", "decoding")
_BACKLOG = 1024


async def _bare(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=HTTPStatus.ACCEPTED)


async def _decoding(request: web.Request) -> web.Response:
    body = await request.read()
    if not verify_sentry((SECRET,), request.headers, body).passed:
        return web.Response(status=HTTPStatus.UNAUTHORIZED)
    parse_sentry(body, request.headers.get("Sentry-Hook-Resource"), datetime.now(UTC))
    return web.Response(status=HTTPStatus.ACCEPTED)


@asynccontextmanager
async def serving(kind: str) -> AsyncIterator[tuple[str, int]]:
    """Run one of `KINDS` in a process of its own; yield its URL and its process id."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, kind), stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the handler has no output")
        yield (await process.stdout.readline()).decode().strip(), process.pid
    finally:
        process.terminate()
        await process.wait()


async def _serve(kind: str) -> None:
    app = web.Application()
    handler = _bare if kind == "bare" else _decoding
    app.router.add_post("/api/webhooks/sentry", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=_BACKLOG).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def main(arguments: Sequence[str]) -> int:
    """Serve the named kind until a signal."""
    (kind,) = arguments
    asyncio.run(_serve(kind))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
