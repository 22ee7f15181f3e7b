"""The channel Apprise: a short message to each target, sent by the library in a thread."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from server.notify.apprise.reasons import reason_of
from server.notify.apprise.text import text_of
from server.notify.channel import ChannelName, DeliveryFailed, Letter
from server.notify.delivery.pace import APPRISE, Meter
from server.notify.receiver_names import name_of
from server.process.apprise_library import room_at, send, service_at
from server.storage.main.slack_messages import SlackMessage

TIMEOUT_S = 60.0
"""Most services give up after a few seconds by themselves; mail servers take longer."""

LONGEST = 1_800
"""What fits into a message of most chats, in characters."""

THREADS = 4


class AppriseChannel:
    """Sends to the targets of APPRISE_URLS, which rows know only by name.

    A send that takes too long goes on in its thread, so that what it sends may come twice.
    """

    name: ChannelName = "apprise"

    def __init__(
        self,
        urls: Sequence[str],
        public_url: str,
        threads: ThreadPoolExecutor,
        now: Callable[[], datetime],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.meter = Meter(APPRISE.per_minute, now)
        self.editing: asyncio.Lock | None = None
        self._urls = {apprise_receiver(url): url for url in urls}
        self._services: dict[str, Any] = {}
        self._public_url = public_url
        self._threads = threads
        self._timeout_s = timeout_s

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        """Send one message about these letters. Raises `DeliveryFailed`."""
        url = self._urls.get(letters[0].receiver)
        if url is None:
            raise DeliveryFailed(
                "APPRISE_URLS no longer has this target", permanent=True, kind="settings"
            )
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                said = await loop.run_in_executor(self._threads, self._send, url, letters)
        except TimeoutError:
            raise DeliveryFailed(
                f"Apprise did not deliver it within {self._timeout_s:.0f} s", permanent=False
            ) from None
        if said is not None:
            raise DeliveryFailed(
                f"Apprise did not deliver it: {reason_of(said, url)}", permanent=False
            )
        return ()

    def _send(self, url: str, letters: Sequence[Letter]) -> Sequence[str] | None:
        """Send in a thread; one target is never sent to by two at once."""
        service = self._services.get(url) or service_at(url)
        if service is None:
            return ["it does not know this service"]
        self._services[url] = service
        text = text_of(letters, self._public_url, room_at(service, LONGEST))
        return send(service, text.title, text.body, text.tone)


def apprise_receiver(url: str) -> str:
    """Return the name of the target at `url`: its schema, and nothing secret of its address."""
    return name_of(url.partition("://")[0].lower(), url)


@contextlib.asynccontextmanager
async def open_apprise(
    urls: Sequence[str],
    public_url: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator[AppriseChannel]:
    """Yield the channel. Its threads are its own, so that a slow service delays nothing else."""
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")
    try:
        yield AppriseChannel(urls, public_url, threads, now, timeout_s)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
