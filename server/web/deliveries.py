"""The outbox in API and page: what was sent, what failed and why, and sending it again."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from server.keys import DATABASE, OFFICE, SETTINGS
from server.notify.channel import ChannelName, DeliveryFailed
from server.notify.channels import outlets_of
from server.storage.main import outbox, people
from server.storage.main.outbox import Delivery, DeliveryFilter, DeliveryState
from server.storage.times import to_micros
from server.web.auth import person_id
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import answer, read_limit, read_number

PAGE_SIZE = 100


class DeliveryAnswer(msgspec.Struct, kw_only=True):
    """One thing that is told one receiver; `next_at` only while it is to be tried."""

    id: int
    key: str
    channel: ChannelName
    receiver: str
    incident_id: str | None
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime | None
    sent_at: datetime | None
    last_error: str | None


class DeliveryWithNews(DeliveryAnswer, kw_only=True):
    """The same, with what is told."""

    news: msgspec.Raw


class DeliveryPage(msgspec.Struct):
    """Some deliveries, the newest first; `counts` are of all, `next` is the ``before`` of the
    next page.
    """

    counts: dict[DeliveryState, int]
    deliveries: list[DeliveryAnswer]
    next: int | None


async def list_deliveries(request: web.Request) -> web.Response:
    """``GET /api/deliveries``; ``state``, ``channel``, ``incident_id``, ``limit`` and ``before``
    narrow it.
    """
    wanted = _read_filter(request.query)
    before, limit = read_number(request.query, "before"), read_limit(request.query)
    async with request.app[DATABASE].read() as tx:
        counts = await outbox.counts(tx)
        found = await outbox.newest(tx, wanted, limit + 1, before)
    shown = found[:limit]
    more = shown[-1].id if len(found) > limit else None
    return answer(DeliveryPage(counts, [_answered(each) for each in shown], more))


async def get_delivery(request: web.Request) -> web.Response:
    """``GET /api/deliveries/{id}``."""
    row_id = int(request.match_info["id"])
    async with request.app[DATABASE].read() as tx:
        found = await outbox.get(tx, row_id)
    if found is None:
        raise _none_at(row_id)
    fields = msgspec.structs.asdict(_answered(found))
    return answer(DeliveryWithNews(**fields, news=msgspec.Raw(found.news)))


async def resend_delivery(request: web.Request) -> web.Response:
    """``POST /api/deliveries/{id}/resend``: once more, for another day."""
    row_id = int(request.match_info["id"])
    await _resend(request, row_id)
    return answer({"id": row_id, "state": "waiting"}, status=202)


async def delivery_list(request: web.Request) -> web.StreamResponse:
    """``GET /deliveries``: the page of what was sent, and what was not."""
    before = read_number(request.query, "before")
    wanted = _read_filter(request.query)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        counts = await outbox.counts(tx)
        found = await outbox.newest(tx, wanted, PAGE_SIZE + 1, before)
    shown = found[:PAGE_SIZE]
    return render(
        request,
        "deliveries.html",
        {
            "here": "deliveries",
            "chrome": chrome,
            "channels": request.app[OFFICE].channels,
            "counts": counts,
            "wanted": wanted,
            "deliveries": shown,
            "older": shown[-1].id if len(found) > PAGE_SIZE else None,
        },
    )


async def resend_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /deliveries/{id}/resend``: back to the page."""
    await _resend(request, int(request.match_info["id"]))
    raise web.HTTPSeeOther("/deliveries")


async def _resend(request: web.Request, row_id: int) -> None:
    async with request.app[DATABASE].write() as tx:
        found = await outbox.get(tx, row_id)
        if found is None:
            raise _none_at(row_id)
        if found.channel not in request.app[OFFICE].channels:
            raise web.HTTPConflict(text=f"{found.channel} is not set up, so nothing can be sent.")
        if not await outbox.resend(tx, row_id, to_micros(datetime.now(UTC))):
            raise web.HTTPConflict(text=f"This message is {found.state}, and will be sent anyway.")
    request.app[OFFICE].wake()


async def try_channel(request: web.Request) -> web.Response:
    """``POST /api/channels/{channel}/test``: a test message now; 502 with what went wrong."""
    channel, receiver = await send_test(request)
    return answer({"channel": channel, "receiver": receiver, "sent": True})


async def send_test(request: web.Request) -> tuple[ChannelName, str]:
    """Send a test message by the channel that the address names; by which one, and to whom."""
    office, name = request.app[OFFICE], request.match_info["channel"]
    if name not in office.channels:
        raise web.HTTPNotFound(
            text=f"{name} is not set up. Channels that are set up: {list(office.channels)}."
        )
    channel = msgspec.convert(name, ChannelName)
    receiver = outlets_of(request.app[SETTINGS]).slack_receiver
    if channel == "email":
        async with request.app[DATABASE].read() as tx:
            person = await people.get(tx, person_id(request))
        if person is None or person.email is None:
            raise web.HTTPConflict(text="You have no mail address. Set one first.")
        receiver = person.email
    try:
        await office.try_out(channel, receiver)
    except DeliveryFailed as failure:
        raise web.HTTPBadGateway(text=f"{failure}.") from failure
    return channel, receiver


def _read_filter(query: Mapping[str, str]) -> DeliveryFilter:
    asked = {name: query[name] for name in DeliveryFilter.__struct_fields__ if query.get(name)}
    try:
        return msgspec.convert(asked, DeliveryFilter)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=f"{error}.") from error


def _answered(delivery: Delivery) -> DeliveryAnswer:
    fields = {name: getattr(delivery, name) for name in DeliveryAnswer.__struct_fields__}
    if delivery.state not in ("waiting", "sending"):
        fields["next_at"] = None
    return DeliveryAnswer(**fields)


def _none_at(row_id: int) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no delivery {row_id}.")
