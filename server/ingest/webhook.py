"""One request to a webhook, and notes on what became of it for the list of webhooks."""

import re
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from server.ingest.delivery import Delivery
from server.ingest.signatures import Verdict
from server.keys import METRICS, WEBHOOK_BOOK
from server.storage.main.webhooks import Outcome, Route, SourceNews, Unentered, UnenteredWebhook
from shared.pipe import EventEntry

_DELIVERY_HEADERS = {"sentry": "Request-ID", "github": "X-GitHub-Delivery"}
_DELIVERY_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a webhook.

    `size_bytes` is None if the body was not read to its end. `signature` is None until it is
    checked. `is_simulated` means that it came from one of our own buttons and says nothing about
    its source.
    """

    source: Route
    size_bytes: int | None = None
    delivery_id: str | None = None
    signature: Verdict | None = None
    is_simulated: bool = False


def arrived(request: web.Request, source: Route, body: bytes | None) -> Webhook:
    """Return the webhook of `request`. Of its headers, only the name of the delivery is kept."""
    named = request.headers.get(_DELIVERY_HEADERS.get(source, ""), "")
    return Webhook(
        source=source,
        size_bytes=None if body is None else len(body),
        delivery_id=named if _DELIVERY_ID.fullmatch(named) else None,
    )


def note_accepted(request: web.Request, webhook: Webhook, about: str) -> None:
    """Note that the webhook is in the journal, which is the list of accepted ones."""
    _count(request, webhook, "accepted")
    _tell_of_source(request, webhook, "accepted", about, understood=True)


def note_unentered(
    request: web.Request,
    webhook: Webhook,
    outcome: Unentered,
    reason: str,
    delivery: Delivery | None = None,
    first_seq: int | None = None,
) -> None:
    """Note that the webhook made no entry because of `reason`; `delivery` is its parsed part."""
    _count(request, webhook, outcome)
    if webhook.is_simulated:
        return
    event_ids = [
        entry.event_id
        for entry in (delivery.entries if delivery else ())
        if isinstance(entry, EventEntry) and entry.event_id is not None
    ]
    request.app[WEBHOOK_BOOK].note(
        UnenteredWebhook(
            at=datetime.now(UTC),
            source=webhook.source,
            outcome=outcome,
            reason=reason,
            size_bytes=webhook.size_bytes,
            delivery_id=webhook.delivery_id,
            event_id=event_ids[0] if event_ids else None,
            first_seq=first_seq,
        )
    )
    _tell_of_source(request, webhook, outcome, reason, understood=delivery is not None)


def _count(request: web.Request, webhook: Webhook, outcome: Outcome) -> None:
    request.app[METRICS].webhooks.labels(source=webhook.source, outcome=outcome).inc()


def _tell_of_source(
    request: web.Request, webhook: Webhook, outcome: Outcome, about: str, *, understood: bool
) -> None:
    if webhook.is_simulated:
        return
    now = datetime.now(UTC)
    request.app[WEBHOOK_BOOK].came(
        SourceNews(
            source=webhook.source,
            at=now,
            outcome=outcome,
            signature=None if webhook.signature is None else webhook.signature.value,
            about=about,
            accepted_at=now if understood else None,
        )
    )
