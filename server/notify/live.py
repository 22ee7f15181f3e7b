"""Fan out in this process: wake listeners when there is something new to read.

Guarantee: a wake says what changed and never how. The listener reads that from the tables, from
where it stopped. So nothing is queued, nothing grows while a reader is slow, and nobody has to be
dropped: however much happens between two reads, the next one finds all of it, once. Cost: each
listener reads the tables itself, so it should pause between two reads.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from typing import Literal

from server.process.waking import woken_within

MAX_LISTENERS = 500

Topic = Literal["bell", "incidents"]
"""``bell``: the notifications of the listener's person. ``incidents``: any of the incidents, or the
troubles of PushLog itself."""


class TooManyListeners(RuntimeError):
    """This process has as many listeners as it allows; the next one has to wait."""


class Listener:
    """One open stream. `Live.listen` makes it."""

    def __init__(self) -> None:
        self._news: set[Topic] = set()
        self._woken = asyncio.Event()

    def wake(self, topic: Topic) -> None:
        """Let the next `news` report `topic` once, however often this is called before it."""
        self._news.add(topic)
        self._woken.set()

    def end(self) -> None:
        """Let a waiting `news` return with nothing."""
        self._woken.set()

    async def news(self, timeout_s: float) -> frozenset[Topic]:
        """Return what changed since the last call; empty after `timeout_s` or at a server stop."""
        await woken_within(timeout_s, self._woken)
        self._woken.clear()
        news = frozenset(self._news)
        self._news.clear()
        return news


class Live:
    """The listeners, by person."""

    def __init__(self) -> None:
        self._listeners: dict[Listener, int] = {}
        self._closed = False
        self._process = secrets.token_hex(4)
        self._changes = 0

    @property
    def version(self) -> str:
        """Return another text after each change of an incident, and in each process.

        A page that took it before it read the tables learns from it whether it is out of date.
        """
        return f"{self._process}.{self._changes}"

    @property
    def closed(self) -> bool:
        """Return whether the server stops, so that streams have to end."""
        return self._closed

    @property
    def listening(self) -> int:
        """Return how many streams are open."""
        return len(self._listeners)

    @contextlib.contextmanager
    def listen(self, person_id: int) -> Iterator[Listener]:
        """Listen while the context lasts. Raises `TooManyListeners`."""
        if len(self._listeners) >= MAX_LISTENERS:
            raise TooManyListeners(f"{MAX_LISTENERS} streams are open, which is the limit")
        listener = Listener()
        self._listeners[listener] = person_id
        try:
            yield listener
        finally:
            del self._listeners[listener]

    def publish(self, person_id: int) -> None:
        """Wake this person's listeners after a change of their notifications was committed."""
        for listener, listens in self._listeners.items():
            if listens == person_id:
                listener.wake("bell")

    def publish_incidents(self) -> None:
        """Wake all listeners after an incident or a trouble opened, changed or ended.

        It must be committed.
        """
        self._changes += 1
        for listener in self._listeners:
            listener.wake("incidents")

    def close(self) -> None:
        """End all streams, now and from now on."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
