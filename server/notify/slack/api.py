"""Call Slack over HTTP, and explain each refusal."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from server.notify.channel import DeliveryFailed, FailureKind
from server.process.outgoing import why_no_answer

TIMEOUT_S = 10.0

_REFUSALS: dict[str, tuple[bool, str]] = {
    "invalid_auth": (False, "Slack does not know SLACK_BOT_TOKEN"),
    "not_authed": (False, "SLACK_BOT_TOKEN did not reach Slack"),
    "token_revoked": (False, "SLACK_BOT_TOKEN was revoked: create a new one"),
    "token_expired": (False, "SLACK_BOT_TOKEN has expired: create a new one"),
    "account_inactive": (False, "the bot of SLACK_BOT_TOKEN was removed"),
    "not_allowed_token_type": (
        False,
        "SLACK_BOT_TOKEN must be a bot token, which begins with xoxb-",
    ),
    "missing_scope": (
        False,
        "the bot lacks a scope: it needs chat:write, and users:read and users:read.email for "
        "direct messages",
    ),
    "users_not_found": (
        True,
        "nobody in the workspace has this mail address: choose mail in Settings",
    ),
    "no_permission": (False, "the bot may not post there"),
    "channel_not_found": (
        False,
        "the bot cannot see SLACK_CHANNEL: invite the bot to it, or give the channel's id",
    ),
    "not_in_channel": (False, "the bot is not in the channel: invite it"),
    "is_archived": (False, "the channel is archived"),
    "channel_is_archived": (False, "the channel is archived"),
    "restricted_action": (False, "the workspace does not let the bot post there"),
    "action_prohibited": (False, "the workspace does not let the webhook post there"),
    "posting_to_general_channel_denied": (False, "the webhook may not post to #general"),
    "no_service": (False, "the webhook was removed or turned off: create a new one"),
    "no_team": (False, "the webhook's workspace no longer exists"),
    "no_active_hooks": (False, "the webhook is turned off"),
    "invalid_token": (False, "the webhook's address is wrong"),
    "user_not_found": (False, "the webhook's user no longer exists"),
    "invalid_payload": (True, "Slack cannot read the message"),
    "invalid_blocks": (True, "Slack does not accept the message's blocks"),
    "invalid_blocks_format": (True, "Slack does not accept the message's blocks"),
    "msg_blocks_too_long": (True, "the message's blocks are too long"),
    "msg_too_long": (True, "the message is too long"),
    "no_text": (True, "the message is empty"),
    "invalid_arguments": (True, "Slack does not accept the request"),
    "message_not_found": (True, "the message no longer exists"),
    "cant_update_message": (True, "the message is not the bot's own"),
    "edit_window_closed": (True, "the message is too old to be edited"),
    "ratelimited": (False, "too many messages at once"),
    "rate_limited": (False, "too many messages at once"),
    "message_limit_exceeded": (False, "the workspace sent too many messages today"),
    "internal_error": (False, "Slack has a problem"),
    "fatal_error": (False, "Slack has a problem"),
    "service_unavailable": (False, "Slack has a problem"),
    "request_timeout": (False, "Slack has a problem"),
}
"""For each of Slack's codes: whether it is about this one message, so that no later try will help,
and what it means. A problem with token, scopes, channel or webhook can be fixed within the day that
a message waits, as with a mail server (`smtp_failures`)."""

Meanings = Mapping[str, tuple[bool, str]]

OF_APP_TOKEN: Meanings = {
    "invalid_auth": (False, "Slack does not know SLACK_APP_TOKEN"),
    "not_authed": (False, "SLACK_APP_TOKEN did not reach Slack"),
    "token_revoked": (False, "SLACK_APP_TOKEN was revoked: create a new one"),
    "token_expired": (False, "SLACK_APP_TOKEN has expired: create a new one"),
    "account_inactive": (False, "the app of SLACK_APP_TOKEN was removed"),
    "not_allowed_token_type": (
        False,
        "SLACK_APP_TOKEN must be an app-level token, which begins with xapp-",
    ),
    "missing_scope": (False, "SLACK_APP_TOKEN lacks a scope: it needs connections:write"),
    "forbidden_team": (False, "the workspace does not allow the app to connect"),
}
"""What the codes mean for the other token of the app."""

_LIMITS = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_SLACKS_OWN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""Codes which say that a message can no longer be edited."""

_PERMANENT_STATUS = frozenset({400, 413})
"""The statuses that are about the message."""


class SlackRefused(DeliveryFailed):
    """Slack answered and did not do it; `code` is Slack's own reason."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        retry_after_s: float | None = None,
        meanings: Meanings | None = None,
    ) -> None:
        # An unknown refusal may be over in an hour; after a day, the message is given up anyway.
        permanent, meaning = (_REFUSALS | dict(meanings or {})).get(
            code, (False, "PushLog does not know this refusal")
        )
        said = f"{code} ({detail})" if detail else code
        super().__init__(
            f"Slack answered {said}: {meaning}",
            permanent=permanent,
            kind=_kind_of(code, permanent),
            retry_after_s=retry_after_s,
        )
        self.code = code


def _kind_of(code: str, permanent: bool) -> FailureKind:
    if permanent:
        return "message"
    if code in _LIMITS:
        return "limit"
    return "connection" if code in _SLACKS_OWN else "settings"


class _User(msgspec.Struct):
    id: str


class _Answer(msgspec.Struct):
    """What any method answers. `user` is a name in that of ``auth.test``."""

    ok: bool
    error: str = ""
    needed: str = ""
    channel: str = ""
    ts: str = ""
    url: str = ""
    user: _User | str | None = None


class Posted(msgspec.Struct, frozen=True):
    """Slack's names for a message."""

    channel: str
    ts: str


class SlackApi:
    """The methods that we use, with the token of a bot or, for a connection, of an app.

    `meanings` are what refusals mean for that token, where that differs from a bot's.
    If Slack sends `Retry-After` for a method, nobody calls the method before that time has passed:
    until then, calls raise `SlackRefused` with the time that is left.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        meanings: Meanings | None = None,
    ) -> None:
        self._meanings = meanings
        self._session = session
        self._url = url
        self._token = token
        self._now = now
        self._closed_until: dict[str, datetime] = {}

    async def post_message(self, message: Mapping[str, object]) -> Posted:
        """Call ``chat.postMessage``. Raises `DeliveryFailed`, and its subclass `SlackRefused`."""
        answer = await self._call("chat.postMessage", message)
        return Posted(answer.channel, answer.ts)

    async def update(self, message: Mapping[str, object]) -> None:
        """Call ``chat.update``; raises as `post_message` does."""
        await self._call("chat.update", message)

    async def test(self) -> None:
        """Call ``auth.test``: whether Slack knows the token; raises as `post_message` does."""
        await self._call("auth.test", {})

    async def find_user(self, address: str) -> str:
        """Call ``users.lookupByEmail``: return the id of a person; raises as above."""
        # This method reads no JSON.
        answer = await self._call("users.lookupByEmail", {"email": address}, as_form=True)
        if not isinstance(answer.user, _User):
            raise SlackRefused("users_not_found")
        return answer.user.id

    async def open_connection(self) -> str:
        """Call ``apps.connections.open``: return the address of a WebSocket; raises as above."""
        return (await self._call("apps.connections.open", {})).url

    async def _call(
        self, method: str, body: Mapping[str, object], *, as_form: bool = False
    ) -> _Answer:
        closed_until = self._closed_until.get(method)
        if closed_until is not None and (now := self._now()) < closed_until:
            raise SlackRefused("ratelimited", retry_after_s=(closed_until - now).total_seconds())
        try:
            return await self._ask(method, body, as_form=as_form)
        except DeliveryFailed as failure:
            if failure.retry_after_s is not None:
                closed_for = timedelta(seconds=failure.retry_after_s)
                self._closed_until[method] = self._now() + closed_for
            raise

    async def _ask(self, method: str, body: Mapping[str, object], *, as_form: bool) -> _Answer:
        headers = {"Authorization": f"Bearer {self._token}"}
        status, headers_back, text = await post(
            self._session, f"{self._url}/{method}", body, headers, as_form=as_form
        )
        refuse_by_status(status, headers_back, "")
        try:
            answer = msgspec.json.decode(text, type=_Answer)
        except msgspec.DecodeError as error:
            raise DeliveryFailed(
                "the server at SLACK_API_URL is not Slack", permanent=False, kind="settings"
            ) from error
        if not answer.ok:
            detail = f"needed: {answer.needed}" if answer.needed else ""
            retry_after_s = _retry_after_s(headers_back)
            raise SlackRefused(answer.error, detail, retry_after_s, self._meanings)
        return answer


async def post_to_webhook(
    session: aiohttp.ClientSession, url: str, message: Mapping[str, object]
) -> None:
    """Post to an incoming webhook. Raises `DeliveryFailed`, and its subclass `SlackRefused`."""
    status, headers, text = await post(session, url, message, {})
    refuse_by_status(status, headers, text.decode(errors="replace").strip()[:100])


async def post(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, object],
    headers: dict[str, str],
    *,
    as_form: bool = False,
) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers and body of the answer. Raises `DeliveryFailed` if there is none.

    The body is JSON, or a form.
    """
    encoded: dict[str, Any] = {"data" if as_form else "json": body}
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            session.post(url, headers=headers, allow_redirects=False, **encoded) as response,
        ):
            return response.status, response.headers, await response.content.read(100_000)
    except TimeoutError:
        raise DeliveryFailed(
            f"Slack did not answer within {TIMEOUT_S:.0f} s", permanent=False
        ) from None
    except aiohttp.ClientError as error:
        raise DeliveryFailed(why_no_answer(error, "Slack"), permanent=False) from None


def refuse_by_status(status: int, headers: Mapping[str, str], code: str) -> None:
    """Raise what a status other than 200 means; `code` is what the body says."""
    if status == 200:
        return
    if status == 429:
        raise SlackRefused("ratelimited", retry_after_s=_retry_after_s(headers) or 30.0)
    if code in _REFUSALS:
        raise SlackRefused(code)
    said = f": {code}" if code.isprintable() and code else ""
    permanent = status in _PERMANENT_STATUS
    kind: FailureKind = "message" if permanent else "settings" if status < 500 else "connection"
    raise DeliveryFailed(f"Slack answered HTTP {status}{said}", permanent=permanent, kind=kind)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) < 7 else None
