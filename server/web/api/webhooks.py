"""The API of the incoming webhooks: "Sentry says it sent it; where is it?"."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE, JOURNAL, SETTINGS
from server.storage.main.webhooks import Outcome, Route
from server.storage.times import from_micros
from server.web.api.webhook_list import Listed, Place, WebhookFilter, WebhookPage, read_page
from server.web.requests import answer, read_limit, read_query
from shared.structs import made_of

LONGEST_ID = 256

_PLACE = r"([0-9]{1,19})\.([0-9]{1,19})"
PlaceInWebhooks = Annotated[str, Meta(pattern=f"^{_PLACE}$")]


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
    """Some webhooks, newest first; `next` is the ``before`` of the next page.

    There may be older ones even if this page is empty: then everything back to `looked_back_to` was
    checked.
    """

    webhooks: list[WebhookAnswer]
    next: str | None
    looked_back_to: datetime | None


async def list_webhooks(request: web.Request) -> web.Response:
    """``GET /api/webhooks``: lists webhooks.

    ``source``, ``outcome``, ``id``, ``limit`` and ``before`` narrow the list.
    """
    page = await read(request, read_filter(request.query), read_limit(request.query))
    base = request.app[SETTINGS].public_url
    return answer(
        WebhooksAnswer(
            [answered(each, base) for each in page.webhooks],
            None if page.next is None else write_place(page.next),
            None if page.looked_back_to is None else from_micros(page.looked_back_to),
        )
    )


async def read(request: web.Request, wanted: WebhookFilter, limit: int) -> WebhookPage:
    """Return the webhooks that are asked for, from the place that the query names."""
    place = _read_place(request.query)
    app = request.app
    return await read_page(app[JOURNAL], app[DATABASE], wanted, place, limit)


def read_filter(query: Mapping[str, str]) -> WebhookFilter:
    """Return which webhooks are asked for; raise 400 for what cannot be asked."""
    # An id is pasted, with blanks around it.
    typed = {**query, "id": query.get("id", "").strip()}
    if len(typed["id"]) > LONGEST_ID:
        raise web.HTTPBadRequest(text=f"`id` must have at most {LONGEST_ID} characters.")
    return read_query(typed, WebhookFilter)


def _read_place(query: Mapping[str, str]) -> Place:
    text = query.get("before")
    if not text:
        return Place()
    found = re.fullmatch(_PLACE, text)
    if found is None:
        raise web.HTTPBadRequest(text="`before` is not a place in the list of webhooks.")
    seq, row = Place().seq, Place().row
    return Place(min(int(found[1]), seq), min(int(found[2]), row))


def write_place(place: Place) -> str:
    """Return `place` as the query gives it."""
    return f"{place.seq}.{place.row}"


def answered(webhook: Listed, base_url: str) -> WebhookAnswer:
    """Return the webhook as the API and the page show it."""
    incident = webhook.incident_id
    return made_of(
        webhook,
        WebhookAnswer,
        received=from_micros(webhook.at),
        incident_url=None if incident is None else f"{base_url}/incidents/{incident}",
    )
