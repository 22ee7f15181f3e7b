"""The post office: the channels that are set up, each with its postman."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from server.notify.apprise.channel import apprise_receiver, open_apprise
from server.notify.channel import Channel, ChannelName, Letter
from server.notify.delivery.pace import APPRISE, EMAIL, SLACK_BOT, SLACK_WEBHOOK, WEBHOOK, Pace
from server.notify.delivery.refresh import Refresher
from server.notify.delivery.worker import Postman
from server.notify.email.channel import EmailChannel
from server.notify.email.compose import Letterhead
from server.notify.email.unsubscribing import unsubscribe_url
from server.notify.news import TestNews
from server.notify.outlets import WEBHOOK_RECEIVER, Outlets, Target
from server.notify.slack.channel import BotChannel, open_slack
from server.notify.webhook.channel import open_webhooks, webhook_receiver
from server.process.metrics import Metrics
from server.settings.settings import Settings, Smtp
from server.storage.database import Database


class PostOffice:
    """Wakes and ends the postmen, and tries channels out.

    There is a `refresher` if Slack is written to by a bot.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        postmen: Sequence[Postman],
        refresher: Refresher | None = None,
    ) -> None:
        self.postmen = postmen
        self.refresher = refresher
        self._channels = {channel.name: channel for channel in channels}

    @property
    def channels(self) -> Sequence[ChannelName]:
        """Return the channels that are set up."""
        return list(self._channels)

    def wake(self) -> None:
        """Note that there is something new in the outbox."""
        for postman in self.postmen:
            postman.wake()

    def refresh(self) -> None:
        """Note that somebody waits to see something in a message that stands already."""
        if self.refresher is not None:
            self.refresher.wake()

    async def stop(self, timeout_s: float) -> None:
        """Start nothing more, and wait for what is under way."""
        await asyncio.gather(*(postman.stop(timeout_s) for postman in self.postmen))

    async def try_out(self, channel: ChannelName, receiver: str) -> None:
        """Send a test message, at once and outside the outbox.

        Raises `DeliveryFailed`, and `KeyError` if the channel is not set up.
        """
        at = datetime.now(UTC)
        letter = Letter(
            key=f"test/{channel}/{at.isoformat()}",
            receiver=receiver,
            incident_id=None,
            news=TestNews(at),
        )
        way = self._channels[channel]
        way.meter.count()
        await way.send([letter])


def outlets_of(settings: Settings) -> Outlets:
    """Return the ways to people outside that these settings open."""
    mail_and_targets = Outlets(email=settings.smtp is not None, targets=tuple(_targets(settings)))
    slack = settings.slack
    if slack is None:
        return mail_and_targets
    if slack.bot_token and slack.channel:
        return msgspec.structs.replace(
            mail_and_targets,
            slack="bot",
            slack_receiver=slack.channel,
            slack_deploys=slack.deploys_channel,
            slack_services={each.service: each.channel for each in slack.service_channels},
        )
    return msgspec.structs.replace(
        mail_and_targets, slack="webhook", slack_receiver=WEBHOOK_RECEIVER
    )


def _targets(settings: Settings) -> Iterator[Target]:
    if settings.webhooks is not None:
        for url in settings.webhooks.urls:
            yield "webhook", webhook_receiver(url)
    for url in settings.apprise_urls:
        yield "apprise", apprise_receiver(url)


@contextlib.asynccontextmanager
async def open_office(
    settings: Settings, database: Database, metrics: Metrics, mail_key: bytes | None
) -> AsyncIterator[PostOffice]:
    """Yield the office with every channel that is set up; nothing is sent before postmen run.

    `mail_key` signs the addresses that end mails.
    """
    async with contextlib.AsyncExitStack() as stack:
        channels: list[tuple[Channel, Pace]] = []
        refresher: Refresher | None = None
        if settings.smtp is not None:
            channels.append(
                (EmailChannel(settings.smtp, _letterhead(settings, settings.smtp, mail_key)), EMAIL)
            )
        if settings.slack is not None:
            slack = await stack.enter_async_context(
                open_slack(settings.slack, settings.public_url, allowed=settings.outgoing_networks)
            )
            if isinstance(slack, BotChannel):
                channels.append((slack, SLACK_BOT))
                refresher = Refresher(database, slack, metrics)
            else:
                channels.append((slack, SLACK_WEBHOOK))
        if settings.webhooks is not None:
            webhooks = await stack.enter_async_context(
                open_webhooks(
                    settings.webhooks, settings.public_url, allowed=settings.outgoing_networks
                )
            )
            channels.append((webhooks, WEBHOOK))
        if settings.apprise_urls:
            apprise = await stack.enter_async_context(
                open_apprise(settings.apprise_urls, settings.public_url)
            )
            channels.append((apprise, APPRISE))
        yield PostOffice(
            [channel for channel, _ in channels],
            [Postman(database, channel, pace, metrics) for channel, pace in channels],
            refresher,
        )


def _letterhead(settings: Settings, smtp: Smtp, key: bytes | None) -> Letterhead:
    if key is None:
        raise ValueError("mails need a key for the addresses that end them")
    return Letterhead(
        sender=smtp.sender,
        public_url=settings.public_url,
        unsubscribe_url=lambda address: unsubscribe_url(address, key, settings.public_url),
    )
