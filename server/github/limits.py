"""What an answer of GitHub's REST API means for the question and for the next ones.

From "Rate limits for the REST API" in GitHub's documentation: after a 403 or 429, wait as long as
Retry-After says. Without it, wait until X-RateLimit-Reset if X-RateLimit-Remaining is 0. Otherwise
it is a secondary limit: wait at least a minute.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec

SECONDARY_LIMIT_S = 60.0
WRONG_TOKEN_S = 600.0
MAX_WAIT_S = 3700.0
"""Limits are reset every hour; a wrong clock must not make the wait a year."""

_SECONDARY_LIMIT = re.compile(rb"rate limit|abuse detection", re.IGNORECASE)


class GoodAnswer(msgspec.Struct, frozen=True):
    """The answer can be read. After it, nothing more may be asked for `pause_s` seconds."""

    pause_s: float


class NoSuchThing(msgspec.Struct, frozen=True):
    """There is no answer for us, now or later."""

    reason: str


class NotNow(msgspec.Struct, frozen=True):
    """Nothing may be asked for `pause_s` seconds; then ask the same question again."""

    reason: str
    pause_s: float


class Broken(msgspec.Struct, frozen=True):
    """GitHub failed, perhaps only at this question."""

    reason: str


Meaning = GoodAnswer | NoSuchThing | NotNow | Broken


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes | bytearray, now_s: float
) -> Meaning:
    """Return the meaning of an answer; the case of `headers` does not matter.

    `now_s` is UTC in seconds since the epoch.
    """
    used_up = headers.get("X-RateLimit-Remaining", "").strip() == "0"
    until_reset_s = _bounded(_number(headers.get("X-RateLimit-Reset"), now_s + 60) - now_s)
    match status:
        case HTTPStatus.OK:
            return GoodAnswer(until_reset_s if used_up else 0.0)
        case HTTPStatus.UNAUTHORIZED:
            return NotNow("GITHUB_TOKEN is wrong or has expired", WRONG_TOKEN_S)
        case HTTPStatus.FORBIDDEN | HTTPStatus.TOO_MANY_REQUESTS:
            asked_s = headers.get("Retry-After")
            if asked_s is not None:
                return NotNow("the rate limit", _bounded(_number(asked_s, SECONDARY_LIMIT_S)))
            if used_up:
                return NotNow("the rate limit", until_reset_s)
            # For a 403, only the text tells a secondary limit from something that the token may not
            # see.
            if status == HTTPStatus.TOO_MANY_REQUESTS or _SECONDARY_LIMIT.search(body):
                return NotNow("the rate limit", SECONDARY_LIMIT_S)
            return NoSuchThing("GITHUB_TOKEN may not read it")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Broken(f"GitHub answers {status}")
    return NoSuchThing(f"GitHub answers {status}")


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text is not None else default
    except ValueError:
        return default


def _bounded(wait_s: float) -> float:
    # After a wait of less than a second, another request would only get the same refusal.
    return min(max(wait_s, 1.0), MAX_WAIT_S)
