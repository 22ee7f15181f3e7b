"""Fan-out in this process: whoever listens is woken when there is something new to read.

Guarantee: a wake says what changed and never how; the listener reads that from the tables, from
where it stood. So nothing is queued, nothing grows while a reader is slow, and nobody has to be
dropped: however much happens between two reads, the next one finds all of it, once.
Cost: each listener reads the tables itself, so it should pause between two reads.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Literal

MAX_LISTENERS = 500

Topic = Literal["bell", "incidents"]
"""``bell``: the notifications of the listener's person. ``incidents``: any of the incidents."""


class TooManyListeners(RuntimeError):
    """As many listen as this process allows; whoever comes next has to wait."""


class Listener:
    """One open stream. Made by `Live.listen`."""

    def __init__(self) -> None:
        self._news: set[Topic] = set()
        self._woken = asyncio.Event()

    def wake(self, topic: Topic) -> None:
        """Let the next `news` tell of `topic`, however often that is said before."""
        self._news.add(topic)
        self._woken.set()

    def end(self) -> None:
        """Let a waiting `news` return with nothing."""
        self._woken.set()

    async def news(self, timeout_s: float) -> frozenset[Topic]:
        """What changed since the last call; empty after `timeout_s` or when the server stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        self._woken.clear()
        news = frozenset(self._news)
        self._news.clear()
        return news


class Live:
    """Who listens, by person."""

    def __init__(self) -> None:
        self._listeners: dict[Listener, int] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """The server stops: streams have to end."""
        return self._closed

    @property
    def listening(self) -> int:
        """How many streams are open."""
        return len(self._listeners)

    @contextlib.contextmanager
    def listen(self, person_id: int) -> Iterator[Listener]:
        """Listen while the context lasts; raises `TooManyListeners`."""
        if len(self._listeners) >= MAX_LISTENERS:
            raise TooManyListeners(f"{MAX_LISTENERS} streams are open, which is the limit")
        listener = Listener()
        self._listeners[listener] = person_id
        try:
            yield listener
        finally:
            del self._listeners[listener]

    def publish(self, person_id: int) -> None:
        """This person's notifications changed; called once the change is committed."""
        for listener, listens in self._listeners.items():
            if listens == person_id:
                listener.wake("bell")

    def publish_incidents(self) -> None:
        """Incidents opened, changed or ended; called once that is committed."""
        for listener in self._listeners:
            listener.wake("incidents")

    def close(self) -> None:
        """End all streams, now and from now on."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
