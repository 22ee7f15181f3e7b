"""Settings that name receivers by addresses which are secrets. No fault repeats any of them.

Each function raises `ValueError` with the rule that is broken, and by which address in the list.
"""

import base64
import binascii
import re
from urllib.parse import urlsplit

from server.process.apprise_library import service_at
from server.settings.values import list_of_names

_BEFORE_ANOTHER = re.compile(r"\s+|,+\s*(?=[\w.+-]+://)")
"""A comma alone may also be in an address of Apprise."""

_PREFIX = "whsec_"
_LEAST_BYTES, _MOST_BYTES = 24, 64
"""What Standard Webhooks asks of a key."""

HOW_TO_MAKE_A_SECRET = f'to make one, run: echo "{_PREFIX}$(openssl rand -base64 32)"'


def webhook_urls(text: str) -> tuple[str, ...]:
    """Return the addresses of WEBHOOK_URLS, each once."""
    urls = list_of_names(text)
    for position, url in enumerate(urls, 1):
        if not _is_http(url):
            raise ValueError(
                f"address {position} of {len(urls)} must be an http or https URL (a comma in it is "
                "written %2C)"
            )
    return tuple(dict.fromkeys(urls))


def webhook_secret(text: str) -> bytes:
    """Return the key in WEBHOOK_SECRET."""
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(_PREFIX) or not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise ValueError(
            f"must be {_PREFIX} and then {_LEAST_BYTES} to {_MOST_BYTES} random bytes in base64; "
            f"{HOW_TO_MAKE_A_SECRET}"
        )
    return key


def apprise_urls(text: str) -> tuple[str, ...]:
    """Return the addresses of APPRISE_URLS, each once. This loads the library."""
    parts = (part.strip(",") for part in _BEFORE_ANOTHER.split(text))
    urls = [part for part in parts if part]
    for position, url in enumerate(urls, 1):
        if service_at(url) is None:
            raise ValueError(
                f"address {position} of {len(urls)} is none of a service that Apprise knows; "
                "https://appriseit.com/services/ says how each is written"
            )
    return tuple(dict.fromkeys(urls))


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Reading it checks it.
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
