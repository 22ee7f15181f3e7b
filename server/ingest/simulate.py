"""The event of `POST /api/test/simulate-incident`: as Sentry would send it, marked as a test."""

from datetime import datetime
from hashlib import blake2b

import msgspec

from server.ingest.sentry.event import SAMPLE_TAG

RESOURCE = "event_alert"
"""The resource to parse the payload as."""

RULE = "Simulated incident"
"""The alert rule that the payload names. It tells a simulation apart from a test sent by Sentry."""

_FRAMES = (
    ("gunicorn/workers/sync.py", "gunicorn.workers.sync", "handle_request", 184, False),
    ("flask/app.py", "flask.app", "dispatch_request", 1796, False),
    ("checkout/views.py", "checkout.views", "place_order", 58, True),
    ("checkout/payment.py", "checkout.payment", "charge_card", 112, True),
)


def simulated_payload(now: datetime, token: str) -> bytes:
    """Return a webhook of an error at `now`. Each `token` makes another issue.

    It carries the tag of Sentry's own samples, so it counts as a test and still notifies. Unlike
    Sentry's, it names no page of the event: there is none.
    """
    event_id = blake2b(token.encode("utf-8", "replace"), digest_size=16).hexdigest()
    issue_id = str(int(event_id[:12], 16))
    event = {
        "event_id": event_id,
        "issue_id": issue_id,
        "project": 1,
        "platform": "python",
        "type": "error",
        "level": "error",
        "environment": "production",
        "release": "shop@2.4.1",
        "timestamp": now.timestamp(),
        "datetime": now.isoformat(),
        "transaction": "/checkout/<cart_id>/order",
        "title": "SimulatedIncident: The payment service did not answer within 5 s",
        "culprit": "checkout.payment in charge_card",
        "metadata": {"type": "SimulatedIncident", "filename": "checkout/payment.py"},
        "exception": {
            "values": [
                {
                    "type": "SimulatedIncident",
                    "value": "The payment service did not answer within 5 s",
                    "mechanism": {"type": "flask", "handled": False},
                    "stacktrace": {"frames": [_frame(*frame) for frame in _FRAMES]},
                }
            ]
        },
        "request": {"url": "https://shop.example.com/checkout/31/order", "method": "POST"},
        "tags": [
            ["environment", "production"],
            ["level", "error"],
            ["release", "shop@2.4.1"],
            [SAMPLE_TAG, "yes"],
        ],
        "fingerprint": ["{{ default }}"],
        "url": f"https://sentry.io/api/0/projects/example/simulated-shop/events/{event_id}/",
    }
    body = {
        "action": "triggered",
        "installation": {"uuid": "00000000-0000-4000-8000-000000000000"},
        "data": {"event": event, "triggered_rule": RULE},
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
    }
    return msgspec.json.encode(body)


def _frame(
    filename: str,
    module: str,
    function: str,
    line: int,
    in_app: bool,
) -> dict[str, object]:
    return {
        "filename": filename,
        "abs_path": f"/srv/app/{filename}",
        "module": module,
        "function": function,
        "lineno": line,
        "in_app": in_app,
    }
