"""The API of the outbox: what was sent, what failed and why, and sending it again."""

from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import web

from server.keys import DATABASE, OFFICE, SETTINGS
from server.notify.channel import ChannelName, DeliveryFailed
from server.notify.channels import PostOffice, outlets_of
from server.storage.main import outbox, people
from server.storage.main.outbox import Delivery, DeliveryFilter, DeliveryState, FailureKind
from server.storage.times import micros_now
from server.web.auth import person_id
from server.web.requests import answer, read_limit, read_number, read_query
from shared.structs import made_of


class DeliveryAnswer(msgspec.Struct, kw_only=True):
    """A message to one receiver; `next_at` is set only while it is still to be tried."""

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
    failure: FailureKind | None


class DeliveryWithNews(DeliveryAnswer, kw_only=True):
    """A delivery with the news in it."""

    news: msgspec.Raw


class DeliveryPage(msgspec.Struct):
    """Some deliveries, newest first.

    `counts` are of all deliveries. `next` is the ``before`` of the next page.
    """

    counts: dict[DeliveryState, int]
    deliveries: list[DeliveryAnswer]
    next: int | None


class Resent(msgspec.Struct):
    """A delivery that will be tried once more."""

    id: int
    state: Literal["waiting"] = "waiting"


class ChannelTried(msgspec.Struct):
    """A test message that arrived; several receivers have commas between them."""

    channel: ChannelName
    receiver: str
    sent: Literal[True] = True


async def list_deliveries(request: web.Request) -> web.Response:
    """``GET /api/deliveries``: lists deliveries.

    ``state``, ``channel``, ``incident_id``, ``limit`` and ``before`` narrow the list.
    """
    wanted = read_query(request.query, DeliveryFilter)
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
    """``POST /api/deliveries/{id}/resend``: tries it once more, for another day."""
    row_id = int(request.match_info["id"])
    await resend(request, row_id)
    return answer(Resent(row_id), status=202)


async def resend(request: web.Request, row_id: int) -> None:
    """Try a delivery once more, for another day; raise 404 or 409 if that is not possible."""
    async with request.app[DATABASE].write() as tx:
        found = await outbox.get(tx, row_id)
        if found is None:
            raise _none_at(row_id)
        if found.channel not in request.app[OFFICE].channels:
            raise web.HTTPConflict(text=f"{found.channel} is not set up, so nothing can be sent.")
        if not await outbox.resend(tx, row_id, micros_now()):
            raise web.HTTPConflict(text=f"This message is {found.state}, and will be sent anyway.")
    request.app[OFFICE].wake()


async def try_channel(request: web.Request) -> web.Response:
    """``POST /api/channels/{channel}/test``: sends a test message now; 502 with what went wrong."""
    channel, receiver = await send_test(request)
    return answer(ChannelTried(channel, receiver))


async def send_test(request: web.Request) -> tuple[ChannelName, str]:
    """Send a test message by the channel that the address names; return channel and receivers.

    Each receiver is tried, also after one that fails.
    """
    office, name = request.app[OFFICE], request.match_info["channel"]
    if name not in office.channels:
        raise web.HTTPNotFound(
            text=f"{name} is not set up. Channels that are set up: {list(office.channels)}."
        )
    channel = msgspec.convert(name, ChannelName)
    receivers = outlets_of(request.app[SETTINGS]).usual_receivers(channel)
    if channel == "email":
        async with request.app[DATABASE].read() as tx:
            person = await people.get(tx, person_id(request))
        if person is None or person.email is None:
            raise web.HTTPConflict(text="You have no mail address. Set one first.")
        receivers = [person.email]
    failures = [
        f"{receiver}: {failure}" if len(receivers) > 1 else str(failure)
        for receiver in receivers
        if (failure := await _try_out(office, channel, receiver)) is not None
    ]
    if failures:
        raise web.HTTPBadGateway(text=f"{'; '.join(failures)}.")
    return channel, ", ".join(receivers)


async def _try_out(
    office: PostOffice, channel: ChannelName, receiver: str
) -> DeliveryFailed | None:
    try:
        await office.try_out(channel, receiver)
    except DeliveryFailed as failure:
        return failure
    return None


def _answered(delivery: Delivery) -> DeliveryAnswer:
    waits = delivery.state in ("waiting", "sending")
    return made_of(delivery, DeliveryAnswer, next_at=delivery.next_at if waits else None)


def _none_at(row_id: int) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no delivery {row_id}.")
