"""Where Slack says which buttons people pressed. Slack's signature is its only key."""

from datetime import UTC, datetime

import msgspec
from aiohttp import web

from server.interactions.payload import InvalidInteraction, read_form
from server.interactions.signature import why_refused
from server.keys import PRESSES, SETTINGS


class InteractionForm(msgspec.Struct):
    """What Slack posts: `payload` is JSON, described in Slack's documentation."""

    payload: str


async def take_interaction(request: web.Request) -> web.Response:
    """``POST /api/slack/interactions``: Slack waits three seconds for the empty answer."""
    slack, presses = request.app[SETTINGS].slack, request.app[PRESSES]
    if slack is None or slack.signing_secret is None or presses is None:
        raise web.HTTPNotFound(text="SLACK_SIGNING_SECRET is not set, so Slack is not heard here.")
    body = await request.read()
    reason = why_refused(slack.signing_secret, request.headers, body, datetime.now(UTC))
    if reason is not None:
        raise web.HTTPUnauthorized(text=reason)
    try:
        pressed = read_form(body)
    except InvalidInteraction as error:
        raise web.HTTPBadRequest(text=f"{error}") from error
    for each in pressed:
        await presses.do(each)
    return web.Response(content_type="text/plain")
