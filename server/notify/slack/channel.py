"""The channel Slack, by an incoming webhook or by a bot.

A webhook posts a message for each piece of news. A bot posts one message for each incident into
each channel that is told of it, and one for each push. It edits them as these change, and says in
their threads what changed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import aiohttp
import msgspec

from server.notify.channel import ChannelName, DeliveryFailed, Letter
from server.notify.delivery.pace import SLACK_BOT, SLACK_WEBHOOK, Meter
from server.notify.news import (
    IncidentNews,
    News,
    PushNews,
    TroubleNews,
    VerdictNews,
    subject_of,
)
from server.notify.recipients import address_of_direct_message
from server.notify.slack.api import GONE, SlackApi, SlackRefused, post_to_webhook
from server.notify.slack.blocks import SlackText, render, render_digest, reply_to
from server.process.outgoing import Networks, open_session
from server.settings.settings import Slack
from server.storage.main.incidents import StoredIncident
from server.storage.main.slack_messages import EVERYBODY, SlackMessage

_ORDER = {
    "suspect_reverted": -1,
    "fix_live": -1,
    "joined": -1,
    "reminded": -1,
    "handed_on": -1,
    "opened": 0,
    "escalated": 1,
    "ended": 2,
}
"""Which change a message shows, of several; those before the first are only said in its thread,
unless the message began with one."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[News]).decode


class WebhookChannel:
    """Slack by an incoming webhook: it gives a message no name, so none can be edited."""

    name: ChannelName = "slack"

    def __init__(self, session: aiohttp.ClientSession, url: str, public_url: str) -> None:
        self.meter = Meter(SLACK_WEBHOOK.per_minute)
        self.editing: asyncio.Lock | None = None
        self._session = session
        self._url = url
        self._public_url = public_url

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        """Send a message for one letter, and one for several. Raises `DeliveryFailed`."""
        shown = _shown(letters, self._public_url)
        await post_to_webhook(self._session, self._url, _message(shown))
        return ()


class BotChannel:
    """Slack by a bot, which edits what it posted.

    If the process dies before a posted message is remembered, the message is posted once more. A
    repeated edit changes nothing.
    """

    name: ChannelName = "slack"

    def __init__(
        self, api: SlackApi, public_url: str, now: Callable[[], datetime], *, buttons: bool
    ) -> None:
        """Set up the channel. `buttons`: somebody hears what people press."""
        self.meter = Meter(SLACK_BOT.per_minute, now)
        self.editing = asyncio.Lock()
        self._api = api
        self._public_url = public_url
        self._buttons = buttons
        self._users: dict[str, str] = {}

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        """Post or edit one letter; for several, post a digest and edit what stands there already.

        Raises `DeliveryFailed`.
        """
        standing: dict[str, SlackMessage] = {}
        try:
            if len(letters) == 1:
                await self._tell(letters[0], standing)
            else:
                await self._tell_together(letters, standing)
        except DeliveryFailed as failure:
            failure.standing = [*standing.values()]
            raise
        return [*standing.values()]

    async def edit(self, news: News, key: str, standing: SlackMessage) -> SlackMessage | None:
        """Bring the message up to date; return None if it cannot be edited any more.

        Raises `DeliveryFailed`.
        """
        said = _decode(standing.said)
        now_said = _with(said, news)
        if now_said == said:
            return standing
        shown = render(now_said, key, self._public_url, buttons=self._buttons)
        message = _message(shown) | {"channel": standing.channel, "ts": standing.ts}
        self.meter.count()
        try:
            await self._api.update(message)
        except SlackRefused as refused:
            if refused.code in GONE:
                return None
            raise
        return _stands(standing, now_said)

    async def _tell_together(
        self, letters: Sequence[Letter], standing: dict[str, SlackMessage]
    ) -> None:
        """Edit what stands there already, and post a digest; keep in `standing` what was edited."""
        for letter in letters:
            if letter.standing is not None:
                before = standing.get(letter.standing.subject, letter.standing)
                after = await self.edit(letter.news, letter.key, before)
                if after is not None:
                    standing[after.subject] = after
        shown = render_digest(letters, self._public_url)
        channel = await self._channel_of(letters[0].receiver)
        await self._api.post_message(_message(shown) | {"channel": channel})

    async def _tell(self, letter: Letter, standing: dict[str, SlackMessage]) -> None:
        """Edit or post one letter; keep in `standing` what can be edited from now on."""
        news = letter.news
        if letter.standing is not None:
            edited = await self.edit(news, letter.key, letter.standing)
            if edited is not None:
                standing[edited.subject] = edited
                await self._reply(news, edited)
                return
        if isinstance(news, VerdictNews) and not _is_worse(news):
            # The message about its push was a line of a digest, and a clean deploy is no news.
            return
        shown = render([news], letter.key, self._public_url, buttons=self._buttons)
        channel = await self._channel_of(letter.receiver)
        posted = await self._api.post_message(_message(shown) | {"channel": channel})
        subject = subject_of(news)
        if subject is not None:
            reader = letter.receiver if isinstance(news, IncidentNews) else EVERYBODY
            place = SlackMessage(
                subject, reader, posted.channel or letter.receiver, posted.ts, said=b"", said_seq=0
            )
            standing[subject] = _stands(place, [news])

    async def _channel_of(self, receiver: str) -> str:
        """Return Slack's name for the receiver, which is a channel or a person by mail address."""
        address = address_of_direct_message(receiver)
        if address is None:
            return receiver
        if address not in self._users:
            self.meter.count()
            self._users[address] = await self._api.find_user(address)
        return self._users[address]

    async def _reply(self, news: News, standing: SlackMessage) -> None:
        """Say in the thread what changed, if that is to be told."""
        text = reply_to(news)
        if text is not None:
            await self._api.post_message(
                {
                    "channel": standing.channel,
                    "thread_ts": standing.ts,
                    "text": text,
                    "reply_broadcast": _is_worse(news),
                    "unfurl_links": False,
                }
            )


def brought_up_to_date(standing: SlackMessage, incident: StoredIncident) -> IncidentNews | None:
    """Return what the message must say of its incident now; None if it is about something else."""
    said = _decode(standing.said)[0]
    if not isinstance(said, IncidentNews):
        return None
    return msgspec.structs.replace(
        said,
        incident=incident.summary,
        seq=incident.changed_seq,
        acknowledged_by=incident.acknowledged_by,
    )


@contextlib.asynccontextmanager
async def open_slack(
    slack: Slack,
    public_url: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    allowed: Networks = (),
) -> AsyncIterator[BotChannel | WebhookChannel]:
    """Yield the channel that the settings name: a bot if there is a token, else the webhook.

    `allowed` are the inside networks that may be called.
    """
    async with open_session(allowed) as session:
        if slack.bot_token and slack.channel:
            api = SlackApi(session, slack.api_url, slack.bot_token, now)
            yield BotChannel(api, public_url, now, buttons=slack.has_buttons)
        else:
            yield WebhookChannel(session, slack.webhook_url or "", public_url)


async def try_slack(slack: Slack, letter: Letter, public_url: str, allowed: Networks = ()) -> None:
    """Send one letter, which is not remembered. Raises `DeliveryFailed`."""
    message = _message(_shown([letter], public_url))
    async with open_session(allowed) as session:
        if slack.bot_token and slack.channel:
            api = SlackApi(session, slack.api_url, slack.bot_token)
            await api.post_message(message | {"channel": letter.receiver})
        else:
            await post_to_webhook(session, slack.webhook_url or "", message)


def _shown(letters: Sequence[Letter], public_url: str) -> SlackText:
    if len(letters) == 1:
        return render([letters[0].news], letters[0].key, public_url, buttons=False)
    return render_digest(letters, public_url)


def _message(shown: SlackText) -> dict[str, object]:
    return {
        "text": shown.text,
        "blocks": shown.blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _stands(place: SlackMessage, said: list[News]) -> SlackMessage:
    """Return the message at this place when it says `said`."""
    message = msgspec.structs.replace(place, said=_encode(said))
    first = said[0]
    if not isinstance(first, IncidentNews):
        return message
    is_acknowledged = first.acknowledged_by is not None
    return msgspec.structs.replace(message, said_seq=first.seq, said_acknowledged=is_acknowledged)


def _with(said: list[News], news: News) -> list[News]:
    """Return what the message says with `news` in it; older news than it has changes nothing."""
    match said[0], news:
        case IncidentNews() as known, IncidentNews():
            return [_later(known, news)]
        case PushNews(), VerdictNews():
            others = [
                each
                for each in said[1:]
                if not (isinstance(each, VerdictNews) and each.service == news.service)
            ]
            return [said[0], *others, news]
        case TroubleNews(), TroubleNews(change="ended"):
            return [news]
    return said


def _later(known: IncidentNews, news: IncidentNews) -> IncidentNews:
    """Return the later change of the two, with the incident as it was later.

    The two may come from different news: while one waited, the counts in the message went on.
    """
    changed = max(known, news, key=lambda each: (_ORDER[each.change], each.seq))
    newest = max(known, news, key=lambda each: (each.seq, _ORDER[each.change]))
    return msgspec.structs.replace(
        changed,
        incident=newest.incident,
        seq=newest.seq,
        acknowledged_by=known.acknowledged_by or news.acknowledged_by,
        waited=changed.waited or known.waited,
    )


def _is_worse(news: News) -> bool:
    """Return whether the channel must hear of it, and not only those who follow the thread."""
    match news:
        case IncidentNews(change="escalated" | "reminded" | "handed_on"):
            return True
        case VerdictNews(verdict="faulty" | "suspect"):
            return True
    return False
