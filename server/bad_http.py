"""What aiohttp's server logs of requests that are no HTTP: a short line each, and few of them."""

import logging

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from server.process import log


class BadHttp(logging.Filter):
    """Anyone can make such lines, as fast as they like, and put into them what they like.

    aiohttp logs each with a traceback and with the bytes that were wrong, which may be a secret in
    a header. Of those this leaves what was wrong, sampled as all lines of one cause.
    """

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: D102
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, RequestPayloadError):
            # Raised once more after the handler has answered it, and has said so.
            return False
        if isinstance(error, HttpProcessingError):
            cause = "a request that is no HTTP"
            # What was wrong, without the bytes that were; but its words may be the sender's.
            what = error.message.partition(":")[0]
            log.server(logging.WARNING, f"{cause}: {what}", cause=cause)
            return False
        return True


def shorten() -> None:
    """From now on; called once, by ``__main__``."""
    logging.getLogger("aiohttp.server").addFilter(BadHttp())
