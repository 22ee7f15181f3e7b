"""A way to tell people outside: mail, Slack. Each carries letters, and decides nothing."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from server.notify.delivery.pace import Meter
from server.notify.news import News
from server.storage.main.outbox import ChannelName
from server.storage.main.slack_messages import SlackMessage

__all__ = ["Channel", "ChannelName", "DeliveryFailed", "Letter"]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the outbox on its way. `key` is the same however often it is tried."""

    key: str
    receiver: str
    """A mail address, or the name of a Slack channel or webhook."""
    incident_id: str | None
    news: News
    standing: SlackMessage | None = None
    """The message that tells of the same thing and can be edited, where there is one."""


class DeliveryFailed(Exception):
    """The receiver, or the way there, did not take it.

    `permanent`: no later try will do better, since it is about this message or this receiver; what
    is wrong with the way there or with our own account may be mended. `retry_after_s`: when the
    receiver wants to be asked again, where it said so.
    """

    def __init__(self, reason: str, *, permanent: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """What the outbox's worker needs of a channel."""

    name: ChannelName
    meter: Meter
    """Counts the calls outside: one is counted by whoever wants something sent, and those that a
    channel makes beside it by the channel."""

    @property
    def editing(self) -> asyncio.Lock | None:
        """Of a channel that edits its messages: held from reading what stands there until what
        stands there then is stored, so that of two edits the newer is the last.
        """

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        """Deliver letters to their one receiver: one as itself, several as one digest.

        Returns what stands there now and is to be remembered, for later edits. Raises
        `DeliveryFailed`; returns within its own time limit.
        """
