"""Checks whether Slack signed a request. Pure.

As in Slack's documentation ("Verifying requests from Slack"): HMAC-SHA256 over the version, the
time and the body as it arrived. An old request may have been recorded and sent again.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime

SIGNATURE_HEADER = "X-Slack-Signature"
TIME_HEADER = "X-Slack-Request-Timestamp"
MAX_AGE_S = 300


def why_refused(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
    """Return why the request is not taken, with what would be right, or None if Slack signed it.

    Lookup in `headers` ignores case.
    """
    given, sent_at = headers.get(SIGNATURE_HEADER), headers.get(TIME_HEADER)
    if not given or not sent_at:
        return f"signature missing: Slack sends the headers {SIGNATURE_HEADER} and {TIME_HEADER}"
    if not (sent_at.isascii() and sent_at.isdecimal() and len(sent_at) < 13):
        return f"time wrong: {TIME_HEADER} must be a number of seconds since 1970"
    if not hmac.compare_digest(given.encode(errors="replace"), _signature(secret, sent_at, body)):
        return (
            "signature wrong: SLACK_SIGNING_SECRET must be the Signing Secret under Basic "
            "Information of the app at Slack"
        )
    if abs(now.timestamp() - int(sent_at)) > MAX_AGE_S:
        return (
            f"time wrong: the request is more than {MAX_AGE_S // 60} minutes from the clock of "
            "this server"
        )
    return None


def _signature(secret: str, sent_at: str, body: bytes) -> bytes:
    signed = b"v0:" + sent_at.encode() + b":" + body
    return f"v0={hmac.digest(secret.encode(), signed, 'sha256').hex()}".encode()
