"""The wire between one server and PostgreSQL, which can be cut: nothing comes through or back.

Neither side is told, as when a cable is pulled. It is used where `network` is not allowed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

_CHUNK = 64 * 1024


class Wire:
    """Carries connections of the socket in `folder` to that of PostgreSQL."""

    host = "127.0.0.1"
    """Where the server that uses it listens."""
    inside: tuple[str, ...] = ()
    """What its command begins with."""

    def __init__(self, folder: Path, target: Path) -> None:
        self._path = folder / target.name
        self._target = target
        self._whole = asyncio.Event()
        self._whole.set()

    def database(self, url: str) -> str:
        """Return the address of a database of PostgreSQL's through the wire."""
        return url.replace(str(self._target.parent), str(self._path.parent))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Carry while the context lasts."""
        server = await asyncio.start_unix_server(self._carry, self._path)
        try:
            yield
        finally:
            server.close()

    async def cut(self, seconds: float) -> None:
        """Let nothing through for so long; what was sent meanwhile comes late."""
        self._whole.clear()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._whole.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        try:
            there, back = await asyncio.open_unix_connection(self._target)
        except OSError:
            writer.close()
            return
        ways = [
            asyncio.create_task(self._pass_on(reader, back)),
            asyncio.create_task(self._pass_on(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, back):
                end.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
