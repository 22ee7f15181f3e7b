"""What a receiver's answer means: delivered, try again, or never. Pure.

As Standard Webhooks asks for it, everything is tried again but what says that a later try is in
vain: 410, and 400 and 413, which are about this one message.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from server.notify.channel import DeliveryFailed, FailureKind

_LONGEST_WAIT_S = 86_400.0
"""A day: after that, a message is given up anyway."""

_NEVER: Mapping[int, tuple[FailureKind, str]] = {
    400: ("message", "it does not take this message"),
    410: ("settings", "this address is no longer there; take it out of WEBHOOK_URLS"),
    413: ("message", "the message is too large for it"),
}
_TRIED_AGAIN: Mapping[int, tuple[FailureKind, str]] = {
    401: ("settings", "it does not accept the signature; check WEBHOOK_SECRET"),
    403: ("settings", "it does not accept the call; check WEBHOOK_SECRET"),
    404: ("settings", "there is nothing at this address; check WEBHOOK_URLS"),
    429: ("limit", "too many calls at once"),
}


def failure_of(status: int, headers: Mapping[str, str], now: datetime) -> DeliveryFailed | None:
    """Return why a call with this answer was not delivered, or None if it was."""
    if 200 <= status < 300:
        return None
    permanent = status in _NEVER
    kind, meaning = _NEVER.get(status) or _TRIED_AGAIN.get(status) or _by_class(status)
    return DeliveryFailed(
        f"the receiver answered HTTP {status}: {meaning}",
        permanent=permanent,
        kind=kind,
        retry_after_s=None if permanent else retry_after_s(headers.get("Retry-After", ""), now),
    )


def retry_after_s(text: str, now: datetime) -> float | None:
    """Return for how many seconds a header ``Retry-After`` wants calls to stay away, if it does.

    It has seconds or a date. At most a day is obeyed.
    """
    text = text.strip()
    if text.isdecimal() and text.isascii():
        # More digits than these are more than a day.
        return min(float(text[:10]), _LONGEST_WAIT_S)
    try:
        wait_s = parsedate_to_datetime(text).timestamp() - now.timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(wait_s, 0.0), _LONGEST_WAIT_S)


def _by_class(status: int) -> tuple[FailureKind, str]:
    if 300 <= status < 400:
        return "settings", "it redirects, which is not followed; set WEBHOOK_URLS to where it leads"
    if status < 500:
        return "settings", "it does not take the call"
    return "connection", "it has a problem"
