"""Long tasks: each has a name, an owner and an end, and none ends unnoticed."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine

from server.process import log


class Background:
    """Starts long tasks and remembers the first that ended without being asked to.

    A long task that ends by itself is a defect that nothing here can repair. `failed` is set, the
    process ends with the reason, and its process manager starts it again.
    """

    def __init__(self) -> None:
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    @contextlib.asynccontextmanager
    async def running(
        self, name: str, work: Coroutine[object, object, None]
    ) -> AsyncIterator[None]:
        """Run `work` while the context lasts, then cancel it and wait for its end."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        try:
            yield
        finally:
            task.cancel()
            # `failed` already holds the error; it must not stop the other tasks from ending
            # properly.
            await asyncio.wait((task,))

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception() or RuntimeError("it ended without being asked to")
        log.server(logging.ERROR, f"task {task.get_name()} ended: {error!r}", exc_info=error)
        if not self.failed.done():
            self.failed.set_result(error)
