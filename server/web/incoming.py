"""The webhooks that came in, in API and page: "Sentry says it sent it; where is it?"."""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec
from aiohttp import web

from server.keys import DATABASE, JOURNAL, SETTINGS
from server.storage.journal.journal import JournalUnavailable
from server.storage.main.webhooks import Outcome, Route
from server.storage.times import from_micros
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import answer, read_limit
from server.web.webhook_list import Listed, Place, WebhookFilter, WebhookPage, read_page
from server.wording.incoming import OUTCOMES

PAGE_SIZE = 50
LONGEST_ID = 256

_PLACE = re.compile(r"(\d{1,19})\.(\d{1,19})", re.ASCII)


class WebhookAnswer(msgspec.Struct, kw_only=True):
    """One webhook; the fields are those of `server.web.webhook_list.Listed`."""

    received: datetime
    source: Route
    sender: str | None
    outcome: Outcome
    about: str
    reason: str
    size_bytes: int | None
    seq: int | None
    event_id: str | None
    delivery_id: str | None
    decision: str | None
    incident_id: str | None
    incident_url: str | None
    more_like_it: int


class WebhooksAnswer(msgspec.Struct):
    """Some webhooks, the newest first; `next` is the ``before`` of the next page. There may be
    older ones even where this page is empty: then all back to `looked_back_to` were looked at.
    """

    webhooks: list[WebhookAnswer]
    next: str | None
    looked_back_to: datetime | None


async def list_webhooks(request: web.Request) -> web.Response:
    """``GET /api/webhooks``; ``source``, ``outcome``, ``id``, ``limit`` and ``before``
    narrow it.
    """
    page = await _read(request, _read_filter(request.query), read_limit(request.query))
    base = request.app[SETTINGS].public_url
    return answer(
        WebhooksAnswer(
            [_answered(each, base) for each in page.webhooks],
            None if page.next is None else _write_place(page.next),
            None if page.looked_back_to is None else from_micros(page.looked_back_to),
        )
    )


async def incoming_page(request: web.Request) -> web.StreamResponse:
    """``GET /deliveries/incoming``."""
    wanted = _read_filter(request.query)
    page = await _read(request, wanted, PAGE_SIZE)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
    return render(
        request,
        "incoming.html",
        {
            "here": "incoming",
            "chrome": chrome,
            "wanted": wanted,
            "webhooks": [_answered(each, "") for each in page.webhooks],
            "outcomes": OUTCOMES,
            "older": None if page.next is None else _write_place(page.next),
            "is_first": not request.query.get("before"),
            "looked_back_to": (
                None if page.looked_back_to is None else from_micros(page.looked_back_to)
            ),
        },
    )


async def _read(request: web.Request, wanted: WebhookFilter, limit: int) -> WebhookPage:
    place = _read_place(request.query)
    app = request.app
    try:
        return await read_page(app[JOURNAL], app[DATABASE], wanted, place, limit)
    except JournalUnavailable as error:
        raise web.HTTPServiceUnavailable(
            text=f"The journal cannot be read: {error}.", headers={"Retry-After": "30"}
        ) from error


def _read_filter(query: Mapping[str, str]) -> WebhookFilter:
    asked = {
        name: text
        for name in WebhookFilter.__struct_fields__
        if (text := query.get(name, "").strip())
    }
    if len(asked.get("id", "")) > LONGEST_ID:
        raise web.HTTPBadRequest(text=f"`id` must have at most {LONGEST_ID} characters.")
    try:
        return msgspec.convert(asked, WebhookFilter)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=f"{error}.") from error


def _read_place(query: Mapping[str, str]) -> Place:
    text = query.get("before")
    if not text:
        return Place()
    found = _PLACE.fullmatch(text)
    if found is None:
        raise web.HTTPBadRequest(text="`before` is not a place in the list of webhooks.")
    seq, row = Place().seq, Place().row
    return Place(min(int(found[1]), seq), min(int(found[2]), row))


def _write_place(place: Place) -> str:
    return f"{place.seq}.{place.row}"


def _answered(webhook: Listed, base_url: str) -> WebhookAnswer:
    fields = {name: getattr(webhook, name) for name in webhook.__struct_fields__ if name != "at"}
    incident = webhook.incident_id
    return WebhookAnswer(
        **fields,
        received=from_micros(webhook.at),
        incident_url=None if incident is None else f"{base_url}/incidents/{incident}",
    )
