"""Sign a call as Standard Webhooks defines it (version 1, symmetric). Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256


def message_id(keys: Sequence[str], public_url: str) -> str:
    """Return the id of what has these keys in the outbox of the PushLog at `public_url`.

    It is the same at each try, and another one for another PushLog, whose keys may be the same.
    """
    named = "\n".join((public_url, *keys))
    return f"msg_{sha256(named.encode()).hexdigest()[:32]}"


def signed_headers(key: bytes, webhook_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """Return the headers with id, time and signature of `body`, which is sent at `at`."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
