"""The channel Slack: by an incoming webhook a message for each piece of news, by a bot one message
for each incident and push, which is edited as it changes, with what changed in its thread.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import aiohttp
import msgspec

from server.notify.channel import ChannelName, Letter
from server.notify.delivery.pace import SLACK_BOT, SLACK_WEBHOOK, Meter
from server.notify.delivery.persistence import persist
from server.notify.news import IncidentNews, News, PushNews, VerdictNews
from server.notify.slack.api import GONE, SlackApi, SlackRefused, post_to_webhook
from server.notify.slack.blocks import SlackText, render, render_digest, reply_to
from server.settings.settings import Slack
from server.storage.database import Database
from server.storage.main import incidents, slack_messages
from server.storage.main.slack_messages import SlackMessage
from server.storage.times import to_micros

_ORDER = {"opened": 0, "escalated": 1, "ended": 2}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[News]).decode


class WebhookChannel:
    """Slack by an incoming webhook: it gives a message no name, so none can be edited."""

    name: ChannelName = "slack"

    def __init__(self, session: aiohttp.ClientSession, url: str, public_url: str) -> None:
        self.meter = Meter(SLACK_WEBHOOK.per_minute)
        self._session = session
        self._url = url
        self._public_url = public_url

    async def send(self, letters: Sequence[Letter]) -> None:
        """A message for one letter, one for several; raises `DeliveryFailed`."""
        shown = _shown(letters, self._public_url)
        await post_to_webhook(self._session, self._url, _message(shown))


class BotChannel:
    """Slack by a bot, which remembers its messages in the database.

    A message that was posted and could not be remembered, since the process died in between, is
    posted once more; an edit that is repeated changes nothing. One thing is done at a time, so that
    of two edits of a message the newer is the last.
    """

    name: ChannelName = "slack"

    def __init__(
        self, api: SlackApi, database: Database, public_url: str, now: Callable[[], datetime]
    ) -> None:
        self.meter = Meter(SLACK_BOT.per_minute, now)
        self._api = api
        self._database = database
        self._public_url = public_url
        self._now = now
        self._busy = asyncio.Lock()

    async def send(self, letters: Sequence[Letter]) -> None:
        """Post or edit; of several letters a digest, and edits of what stands there already.

        Raises `DeliveryFailed`.
        """
        async with self._busy:
            if len(letters) == 1:
                await self._tell(letters[0])
                return
            for letter in letters:
                known = await self._message_about(letter.news)
                if known is not None:
                    await self._edit(letter.news, letter.key, known)
            shown = render_digest(letters, self._public_url)
            await self._api.post_message(_message(shown) | {"channel": letters[0].receiver})

    async def refresh(self, incident_id: str) -> bool:
        """Edit the message about an open incident, so that it says what is known now, and tell
        nobody. False where nothing is left to edit; what somebody deleted is not posted again.

        Raises `DeliveryFailed`.
        """
        async with self._busy:
            async with self._database.read() as tx:
                known = await slack_messages.get(tx, incident_id)
                stored = await incidents.get(tx, incident_id)
            if known is None or stored is None or stored.ended_at is not None:
                return False
            said = _decode(known.said)[0]
            if not isinstance(said, IncidentNews):
                return False
            newest = msgspec.structs.replace(said, incident=stored.summary, seq=stored.changed_seq)
            if await self._edit(newest, f"{incident_id}/updated/{newest.seq}/slack", known):
                return True
            async with self._database.write() as tx:
                await slack_messages.forget(tx, incident_id)
            return False

    async def _tell(self, letter: Letter) -> None:
        news = letter.news
        known = await self._message_about(news)
        if known is not None and await self._edit(news, letter.key, known):
            reply = reply_to(news)
            if reply is not None:
                await self._api.post_message(
                    {
                        "channel": known.channel,
                        "thread_ts": known.ts,
                        "text": reply,
                        "reply_broadcast": _is_worse(news),
                        "unfurl_links": False,
                    }
                )
            return
        if isinstance(news, VerdictNews) and not _is_worse(news):
            # The message about its push was a line of a digest, and a clean deploy is no news.
            return
        shown = render([news], letter.key, self._public_url)
        posted = await self._api.post_message(_message(shown) | {"channel": letter.receiver})
        subject = _subject(news)
        if subject is not None:
            channel = posted.channel or letter.receiver
            await self._remember(subject, channel, posted.ts, [news])

    async def _edit(self, news: News, key: str, known: SlackMessage) -> bool:
        """Bring the message up to date; False where it cannot be edited any more."""
        said = _decode(known.said)
        now_said = _with(said, news)
        if now_said == said:
            return True
        shown = render(now_said, key, self._public_url)
        message = _message(shown) | {"channel": known.channel, "ts": known.ts}
        self.meter.count()
        try:
            await self._api.update(message)
        except SlackRefused as refused:
            if refused.code in GONE:
                return False
            raise
        subject = _subject(news)
        if subject is not None:
            await self._remember(subject, known.channel, known.ts, now_said)
        return True

    async def _message_about(self, news: News) -> SlackMessage | None:
        subject = _subject(news)
        if subject is None:
            return None
        async with self._database.read() as tx:
            return await slack_messages.get(tx, subject)

    async def _remember(self, subject: str, channel: str, ts: str, said: list[News]) -> None:
        first = said[0]
        message = SlackMessage(
            channel,
            ts,
            _encode(said),
            said_seq=first.seq if isinstance(first, IncidentNews) else 0,
            edited_at=to_micros(self._now()),
        )
        # It stands there: forgotten, it would be posted once more.
        await persist(
            self._database, self.name, lambda tx: slack_messages.put(tx, subject, message)
        )


@contextlib.asynccontextmanager
async def open_slack(
    slack: Slack,
    database: Database,
    public_url: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[BotChannel | WebhookChannel]:
    """The channel that the settings name: a bot where there is a token, else the webhook."""
    async with aiohttp.ClientSession() as session:
        if slack.bot_token and slack.channel:
            api = SlackApi(session, slack.api_url, slack.bot_token, now)
            yield BotChannel(api, database, public_url, now)
        else:
            yield WebhookChannel(session, slack.webhook_url or "", public_url)


async def try_slack(slack: Slack, letter: Letter, public_url: str) -> None:
    """Send one letter, which is not remembered; raises `DeliveryFailed`."""
    message = _message(_shown([letter], public_url))
    async with aiohttp.ClientSession() as session:
        if slack.bot_token and slack.channel:
            api = SlackApi(session, slack.api_url, slack.bot_token)
            await api.post_message(message | {"channel": slack.channel})
        else:
            await post_to_webhook(session, slack.webhook_url or "", message)


def _shown(letters: Sequence[Letter], public_url: str) -> SlackText:
    if len(letters) == 1:
        return render([letters[0].news], letters[0].key, public_url)
    return render_digest(letters, public_url)


def _message(shown: SlackText) -> dict[str, object]:
    return {
        "text": shown.text,
        "blocks": shown.blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _subject(news: News) -> str | None:
    """What a message is about, where it is edited when there is more to say."""
    match news:
        case IncidentNews():
            return news.incident.incident_id
        case PushNews():
            return f"push/{news.environment}/{to_micros(news.window.deploy_time)}"
        case VerdictNews():
            return f"push/{news.environment}/{to_micros(news.deploy_time)}"
        case _:
            return None


def _with(said: list[News], news: News) -> list[News]:
    """What the message says with `news` in it; what is older than what it says changes nothing."""
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
    return said


def _later(known: IncidentNews, news: IncidentNews) -> IncidentNews:
    """The later change of the two, with the incident as it stood later.

    These may be of different news: while one waited, the counts in the message went on.
    """
    changed = max(known, news, key=lambda each: (_ORDER[each.change], each.seq))
    newest = max(known, news, key=lambda each: (each.seq, _ORDER[each.change]))
    return msgspec.structs.replace(changed, incident=newest.incident, seq=newest.seq)


def _is_worse(news: News) -> bool:
    match news:
        case IncidentNews(change="escalated") | VerdictNews(verdict="faulty" | "suspect"):
            return True
    return False
