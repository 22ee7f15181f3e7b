"""``GET /api/notifications/stream``: a person's bell, live, as server-sent events.

Messages:

- ``notification``: one notification, as the API gives it. Its id is the notification's.
- ``unread``: the number of unread notifications; sent first, and whenever it may have changed.
- ``incidents``: incidents opened, changed or ended; a displayed list should be read again. Sent
  first if ``?seen=`` is not the version of `Live`: the page is older than the connection.

Nothing is lost or sent twice, over reconnects and restarts: the table is read from the reader's
position on (``Last-Event-ID``, or ``?after=`` on a first connection), and holds only committed
rows, in the order of their ids. Without a position, the stream begins now.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec
from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from server.keys import DATABASE, LIVE
from server.notify.live import Listener, TooManyListeners
from server.storage.database import Database, Transaction
from server.storage.main import notifications
from server.storage.main.notifications import Notification
from server.web.api.bell import notification_answer
from server.web.auth import person_id, still_allowed
from server.web.requests import read_number

KEEP_ALIVE_S = 15.0
"""Proxies give up on a silent connection after 30 to 60 seconds."""
SEND_TIMEOUT_S = 30.0
"""A reader that takes nothing for this long is gone; it finds its place when it comes back."""
STREAMS_SHARE = 0.2
"""All streams together read the tables for no more than this part of the time, in a flood."""
LONGEST_PAUSE_S = 0.25
"""The longest pause between two reads of one stream, however many streams there are."""
RETRY_MS = 2_000
BATCH = 100


async def stream(request: web.Request) -> web.StreamResponse:
    """Send the stream; it ends when the reader goes or stalls, or the server stops."""
    person = person_id(request)
    try:
        with request.app[LIVE].listen(person) as listener:
            return await _tell(request, person, listener)
    except TooManyListeners as error:
        raise web.HTTPServiceUnavailable(text=str(error), headers={"Retry-After": "30"}) from error


async def _tell(request: web.Request, person: int, listener: Listener) -> web.StreamResponse:
    database, live = request.app[DATABASE], request.app[LIVE]
    loop = asyncio.get_running_loop()
    # Take the position before the answer begins: from here on, news wakes the listener.
    position = await _position(request, database, person)
    async with sse_response(
        request, ping_interval=KEEP_ALIVE_S, send_timeout=SEND_TIMEOUT_S
    ) as response:
        try:
            position = await _tell_bell(response, database, person, position, RETRY_MS)
            if request.query.get("seen", live.version) != live.version:
                await response.send("{}", event="incidents")
            while not live.closed and response.is_connected():
                news = await listener.news(KEEP_ALIVE_S)
                began = loop.time()
                if not await still_allowed(request):
                    break
                if "bell" in news:
                    position = await _tell_bell(response, database, person, position)
                if "incidents" in news:
                    await response.send("{}", event="incidents")
                if news and not live.closed:
                    await asyncio.sleep(pause_s(loop.time() - began, live.listening))
        except (ConnectionResetError, TimeoutError):
            # The reader is gone or takes nothing. It says where it was when it comes back.
            pass
    return response


def pause_s(took_s: float, streams: int) -> float:
    """Return how long a stream pauses after a read that took so long."""
    return min(took_s * streams / STREAMS_SHARE, LONGEST_PAUSE_S)


async def _position(request: web.Request, database: Database, person: int) -> int:
    asked = read_number(request.headers, "Last-Event-ID")
    if asked is None:
        asked = read_number(request.query, "after")
    newest = await database.read_at_once(lambda tx: notifications.newest_id(tx, person))
    # A position beyond the newest is from another database: it would silence everything to come.
    return newest if asked is None else min(asked, newest)


async def _newer(person: int, position: int, tx: Transaction) -> tuple[Sequence[Notification], int]:
    return (
        await notifications.newer_than(tx, person, position, BATCH),
        await notifications.unread_count(tx, person),
    )


async def _tell_bell(
    response: EventSourceResponse,
    database: Database,
    person: int,
    position: int,
    retry_ms: int | None = None,
) -> int:
    """Send what is newer than `position`, then the count; return the new position."""
    while True:
        newer, unread = await database.read_at_once(partial(_newer, person, position))
        for each in newer:
            await response.send(
                msgspec.json.encode(notification_answer(each)).decode(),
                id=str(each.id),
                event="notification",
            )
            position = each.id
        if len(newer) < BATCH:
            break
    # The id tells a reader that had none, or a wrong one, where it is.
    await response.send(
        msgspec.json.encode({"unread": unread}).decode(),
        id=str(position),
        event="unread",
        retry=retry_ms,
    )
    return position
