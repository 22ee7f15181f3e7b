"""Slack as its documentation describes it, as far as we use it: it enforces the limits.

``chat.postMessage``, ``chat.update``, ``auth.test`` and incoming webhooks, with the refusals
that are HTTP 200 and ``ok: false``, and 429 with Retry-After. Presses of buttons go to
``signed(press(…))`` by HTTP, or over the WebSocket of Socket Mode::

    async with FakeSlack() as slack:
        ... SLACK_API_URL=slack.api_url, SLACK_BOT_TOKEN=slack.token, SLACK_CHANNEL="#alerts"
        ... SLACK_WEBHOOK_URL=slack.webhook_url
        await slack.wait_for(2)
"""

import asyncio
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.fakes.local_server import LocalServer
from tests.waiting import limit

TOKEN = "xoxb-a-token-of-the-tests"
APP_TOKEN = "xapp-a-token-of-the-tests"
SIGNING_SECRET = "a signing secret of the tests"
CHANNELS = {"#alerts": "C0ALERTS", "#deploys": "C0DEPLOYS", "#shop": "C0SHOP"}
CHANNELS |= {channel: channel for channel in CHANNELS.values()}
MAX_TOGETHER = 13_200
_DATE = re.compile(r"<!date\^\d+\^(?:\{\w+\}|[^<>|{}^])+\|([^<>|]+)>")
_ENTITY = re.compile(
    rf"&(?:amp|lt|gt);|{_DATE.pattern}|<(?:https?://[^<>|]+)(?:\|[^<>|]*)?>",
)


class FakeSlack(LocalServer):
    """The server. `messages` are the channel's current messages, by ts."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.answers: list[web.Response] = []
        """Given first, one for each call."""
        self.down = False
        """While this is set, every call is answered 503."""
        self.hang = False
        """While this is set, no call is answered before `release`."""
        self.sockets: list[web.WebSocketResponse] = []
        """The connections of Socket Mode, each of which was greeted."""
        self.acknowledged: list[str] = []
        """The envelopes that were, by their ids."""
        self.whispers: list[dict[str, Any]] = []
        """Answers that only whoever pressed sees."""
        self.users = {"ada@acme.example": "U0ADA"}
        """Who is in the workspace, by mail address."""
        self._changed = asyncio.Event()
        self._released = asyncio.Event()
        app = web.Application()
        app.router.add_post("/api/chat.postMessage", self._post_message)
        app.router.add_post("/api/chat.update", self._update)
        app.router.add_post("/api/auth.test", self._test)
        app.router.add_post("/api/users.lookupByEmail", self._look_up)
        app.router.add_post("/services/T0/B0/secret", self._webhook)
        app.router.add_post("/api/apps.connections.open", self._open)
        app.router.add_get("/link", self._link)
        app.router.add_post("/actions/T0/1/secret", self._whisper)
        super().__init__(app)

    @property
    def api_url(self) -> str:
        """For SLACK_API_URL."""
        return f"{self.url}/api"

    @property
    def webhook_url(self) -> str:
        """For SLACK_WEBHOOK_URL."""
        return f"{self.url}/services/T0/B0/secret"

    def roots(self) -> list[dict[str, Any]]:
        """The messages that are not replies, oldest first."""
        return [each for each in self.messages.values() if "thread_ts" not in each]

    def replies(self, ts: str) -> list[dict[str, Any]]:
        """The replies in a message's thread."""
        return [each for each in self.messages.values() if each.get("thread_ts") == ts]

    async def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The messages, as soon as there are `count` of them or more."""
        async with limit():
            while len(self.messages) < count:
                self._changed.clear()
                await self._changed.wait()
        return list(self.messages.values())

    async def wait_for_calls(self, count: int) -> None:
        """Return as soon as it has been called this many times."""
        async with limit():
            while len(self.calls) < count:
                self._changed.clear()
                await self._changed.wait()

    async def wait_until_shown(self, text: str) -> None:
        """Return as soon as a message says this."""
        async with limit():
            while not any(text in text_of(each) for each in self.messages.values()):
                self._changed.clear()
                await self._changed.wait()

    def release(self) -> None:
        """Answer the calls that hang, and all that come."""
        self.hang = False
        self._released.set()

    async def _post_message(self, request: web.Request) -> web.Response:
        refused = await self._refused(request, "chat.postMessage")
        if refused is not None:
            return refused
        body = await request.json()
        channel = CHANNELS.get(body.get("channel", ""))
        if body.get("channel") in self.users.values():
            # To a person, the bot opens a conversation by itself.
            channel = f"D{body['channel']}"
        if channel is None:
            return not_ok("channel_not_found")
        fault = fault_of(body)
        if fault is not None:
            return not_ok(fault)
        if "thread_ts" in body and body["thread_ts"] not in self.messages:
            return not_ok("thread_not_found")
        ts = self._keep(body)
        return web.json_response({"ok": True, "channel": channel, "ts": ts, "message": body})

    async def _update(self, request: web.Request) -> web.Response:
        refused = await self._refused(request, "chat.update")
        if refused is not None:
            return refused
        body = await request.json()
        # This method accepts only a channel's id.
        if body.get("channel") not in CHANNELS.values():
            return not_ok("channel_not_found")
        standing = self.messages.get(body.get("ts"))
        if standing is None or CHANNELS[standing["channel"]] != body["channel"]:
            return not_ok("message_not_found")
        fault = fault_of(body)
        if fault is not None:
            return not_ok(fault)
        self.messages[body["ts"]] |= {"text": body["text"], "blocks": body.get("blocks", [])}
        self._changed.set()
        return web.json_response({"ok": True, "channel": body["channel"], "ts": body["ts"]})

    async def _test(self, request: web.Request) -> web.Response:
        refused = await self._refused(request, "auth.test")
        return refused or web.json_response({"ok": True, "user": "pushlog", "user_id": "U0BOT"})

    async def _look_up(self, request: web.Request) -> web.Response:
        refused = await self._refused(request, "users.lookupByEmail")
        if refused is not None:
            return refused
        # This method reads no JSON.
        user = self.users.get(str((await request.post()).get("email")))
        if user is None:
            return not_ok("users_not_found")
        return web.json_response({"ok": True, "user": {"id": user, "team_id": "T0"}})

    async def _webhook(self, request: web.Request) -> web.Response:
        refused = await self._refused(request, "webhook", with_token=False)
        if refused is not None:
            return refused
        body = await request.json()
        if fault_of(body) is not None:
            return web.Response(status=400, text="invalid_blocks")
        self._keep(body)
        return web.Response(text="ok")

    async def _open(self, request: web.Request) -> web.Response:
        refused = await self._refused(request, "apps.connections.open", with_token=False)
        if refused is not None:
            return refused
        if request.headers.get("Authorization") != f"Bearer {APP_TOKEN}":
            return not_ok("invalid_auth")
        url = self.url.replace("http://", "ws://")
        return web.json_response({"ok": True, "url": f"{url}/link?ticket={len(self.sockets)}"})

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self.sockets.append(socket)
        self._changed.set()
        async for message in socket:
            self.acknowledged.append(message.json()["envelope_id"])
            self._changed.set()
        return socket

    async def _whisper(self, request: web.Request) -> web.Response:
        self.whispers.append(await request.json())
        self._changed.set()
        return web.Response(text="ok")

    def press(self, button: str, ts: str, by: str = "ada") -> dict[str, Any]:
        """What Slack sends when this person presses that button of a message."""
        there = {each["text"]["text"]: each for each in buttons_of(self.messages[ts])}
        answer_url = f"{self.url}/actions/T0/1/secret"
        return interaction(there[button]["action_id"], there[button]["value"], by, answer_url)

    async def envelope(self, envelope_id: str, payload: dict[str, Any]) -> None:
        """Send this interaction over the newest connection of Socket Mode."""
        await self.sockets[-1].send_json(
            {
                "type": "interactive",
                "envelope_id": envelope_id,
                "accepts_response_payload": False,
                "payload": payload,
            }
        )

    async def wait_until(self, condition: Callable[[], object]) -> None:
        """Return as soon as something here has changed so that this holds."""
        async with limit():
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def _refused(
        self, request: web.Request, call: str, *, with_token: bool = True
    ) -> web.Response | None:
        self.calls.append(call)
        self._changed.set()
        if self.hang:
            await self._released.wait()
        if self.down:
            return web.Response(status=503, text="upstream connect error")
        if self.answers:
            return self.answers.pop(0)
        if with_token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return not_ok("invalid_auth")
        return None

    def _keep(self, body: dict[str, Any]) -> str:
        ts = f"1700000000.{len(self.messages):06}"
        self.messages[ts] = body | {"ts": ts}
        self._changed.set()
        return ts


def interaction(action_id: str, value: str, by: str, answer_url: str = "") -> dict[str, Any]:
    """A press of a button, as Slack's documentation shows it."""
    return {
        "type": "block_actions",
        "user": {"id": "U0ADA", "username": by, "name": by, "team_id": "T0"},
        "api_app_id": "A0",
        "container": {"type": "message", "message_ts": "1700000000.000000"},
        "team": {"id": "T0", "domain": "acme"},
        "channel": {"id": "C0ALERTS", "name": "alerts"},
        "response_url": answer_url,
        "actions": [
            {
                "type": "button",
                "action_id": action_id,
                "block_id": "b",
                "text": {"type": "plain_text", "text": "-"},
                "value": value,
                "action_ts": "1700000001.000000",
            }
        ],
    }


def signed(
    payload: Mapping[str, Any], secret: str = SIGNING_SECRET, at: float | None = None
) -> tuple[bytes, dict[str, str]]:
    """The form that Slack posts, and its headers."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    sent_at = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{sent_at}:".encode() + body, "sha256").hexdigest()
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": sent_at,
        "X-Slack-Signature": f"v0={digest}",
    }


def buttons_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons below a message."""
    return [
        each
        for block in message.get("blocks", [])
        if block["type"] == "actions"
        for each in block["elements"]
    ]


def too_many(retry_after_s: int) -> web.Response:
    """429, as Slack says it."""
    return web.Response(status=429, headers={"Retry-After": str(retry_after_s)})


def text_of(message: dict[str, Any]) -> str:
    """All that people read in a message, without the links' addresses."""
    parts = [part["text"] for block in message.get("blocks", []) for part in _texts(block)]
    return re.sub(r"<[^<>|]+\|([^<>|]*)>", r"\1", "\n".join(parts))


def fault_of(body: dict[str, Any]) -> str | None:
    """Why Slack refuses this message, or None if it accepts it."""
    text, blocks = body.get("text", ""), body.get("blocks", [])
    if not text:
        return "no_text"
    if len(text) > 40_000:
        return "msg_too_long"
    if len(blocks) > 50:
        return "invalid_blocks"
    if len({block["block_id"] for block in blocks if "block_id" in block}) != sum(
        "block_id" in block for block in blocks
    ):
        return "invalid_blocks"
    together = 0
    for block in blocks:
        if _is_over(block):
            return "invalid_blocks"
        together += sum(len(part["text"]) for part in _texts(block))
    return "msg_blocks_too_long" if together > MAX_TOGETHER else None


def _is_over(block: dict[str, Any]) -> bool:
    if len(block.get("block_id", "")) > 255:
        return True
    parts = _texts(block)
    if any(not part["text"] or _has_bare_markup(part) for part in parts):
        return True
    match block["type"]:
        case "actions":
            return not 0 < len(block["elements"]) <= 25 or any(
                len(each["text"]["text"]) > 75
                or len(each["value"]) > 2000
                or len(each["action_id"]) > 255
                for each in block["elements"]
            )
        case "header":
            return block["text"]["type"] != "plain_text" or len(block["text"]["text"]) > 150
        case "section":
            fields = block.get("fields", [])
            return (
                len(block.get("text", {}).get("text", "")) > 3000
                or len(fields) > 10
                or any(len(field["text"]) > 2000 for field in fields)
            )
        case "context":
            return not 0 < len(block["elements"]) <= 10 or any(
                len(part["text"]) > 2000 for part in parts
            )
    return True


def _has_bare_markup(part: dict[str, Any]) -> bool:
    """Whether Slack would still obey something in it, such as a mention or half an entity."""
    if part["type"] != "mrkdwn":
        return False
    return re.search("[<>&]", _ENTITY.sub("", part["text"])) is not None


def _texts(block: dict[str, Any]) -> list[dict[str, Any]]:
    own = [block["text"]] if "text" in block else []
    elements = block.get("elements", [])
    if block["type"] == "actions":
        elements = [each["text"] for each in elements]
    return [*own, *block.get("fields", []), *elements]


def not_ok(error: str) -> web.Response:
    """HTTP 200 with a refusal in it."""
    return web.json_response({"ok": False, "error": error})
