"""The one place that uses the library Apprise, which is loaded only if a setting names a service.

It blocks, so call it in a thread. It logs why it fails, and what it logs may name addresses: so
none of that goes to any log, and it is caught for whoever called.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Literal

Tone = Literal["info", "success", "warning", "failure"]
"""How good or bad a message is."""

_LOGGER = logging.getLogger("apprise")


class Catcher(logging.Handler):
    """Keeps what the library logs in the thread that made this."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of this thread."""
        if record.thread == self._thread:
            self.said.append(record.getMessage())


@contextlib.contextmanager
def caught() -> Iterator[Sequence[str]]:
    """Yield a list in which everything is that the library logs in this thread meanwhile."""
    _LOGGER.propagate = False
    _LOGGER.setLevel(logging.WARNING)
    catcher = Catcher()
    _LOGGER.addHandler(catcher)
    try:
        yield catcher.said
    finally:
        _LOGGER.removeHandler(catcher)


def service_at(url: str) -> Any:
    """Return the library's object for the service at `url`, or None if there is no such service."""
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415

    # Nothing is kept on the disk.
    asset = AppriseAsset(
        app_id="PushLog", app_desc="PushLog", async_mode=False, storage_mode="memory"
    )
    with caught():
        return Apprise.instantiate(url, asset=asset)


def room_at(service: Any, most: int) -> int:
    """Return how many characters a message to this service may have, at most `most`."""
    return min(most, int(service.body_maxlen))


def send(service: Any, title: str, body: str, tone: Tone) -> Sequence[str] | None:
    """Send plain text to a service; return None if it arrived, else what the library said."""
    with caught() as said:
        try:
            if service.notify(title=title, body=body, notify_type=tone, body_format="text"):
                return None
        except Exception as error:
            # There are hundreds of services, which raise what they like, and the text of an error
            # may have the address in it.
            return [*said, f"it broke with {type(error).__name__}"]
        return list(said)
