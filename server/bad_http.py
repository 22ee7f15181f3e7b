"""Shortens what aiohttp logs of requests that are not HTTP: one short line each, and only few."""

import logging

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from server.process import log


class BadHttp(logging.Filter):
    """Filters log lines that anybody can cause, as fast as they like and with any content.

    aiohttp logs each one with a traceback and the bytes that were wrong, which may be a secret in a
    header. This filter leaves only what was wrong, sampled like all lines of one cause.
    """

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: D102
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, RequestPayloadError):
            # It is raised once more after the handler has answered it, and has said so.
            return False
        if isinstance(error, HttpProcessingError):
            cause = "a request that is no HTTP"
            # Keep what was wrong, without the wrong bytes; but its words may be the sender's.
            what = error.message.partition(":")[0]
            log.server(logging.WARNING, f"{cause}: {what}", cause=cause)
            return False
        return True


def shorten() -> None:
    """Shorten these lines from now on; ``__main__`` calls this once."""
    logging.getLogger("aiohttp.server").addFilter(BadHttp())
