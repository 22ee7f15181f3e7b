"""A way to tell people outside: mail, Slack, webhooks, Apprise.

Channels carry letters, and decide nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from server.notify.delivery.pace import Meter
from server.notify.news import News
from server.storage.main.outbox import ChannelName, FailureKind
from server.storage.main.slack_messages import SlackMessage

__all__ = ["Channel", "ChannelName", "DeliveryFailed", "FailureKind", "Letter"]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the outbox on its way. `key` stays the same however often it is tried."""

    key: str
    receiver: str
    """A mail address, a channel of Slack, or a name for an address that is secret."""
    incident_id: str | None
    news: News
    standing: SlackMessage | None = None
    """The editable message about the same thing, if there is one."""


class DeliveryFailed(Exception):
    """The receiver, or the way there, did not accept it.

    If `permanent`, no later try will do better, because the failure is about this message or this
    receiver. A problem with the way there or with our own account may be fixed later.
    `retry_after_s` is when the receiver wants to be asked again, if it said so. `standing` is what
    was edited before it failed, and is to be remembered all the same.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool,
        kind: FailureKind = "connection",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.standing: Sequence[SlackMessage] = ()


class Channel(Protocol):
    """What the outbox's worker needs from a channel."""

    name: ChannelName
    meter: Meter
    """Counts the calls to the outside. The sender of a letter counts one; the channel counts any
    calls that it makes beside that."""

    @property
    def editing(self) -> asyncio.Lock | None:
        """Return the lock of a channel that edits its messages, else None.

        Hold it from reading what a message says until what it says then is stored, so that of two
        edits the newer is the last.
        """

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        """Deliver letters to their one receiver: one as itself, several as one digest.

        Return the messages that are there now and must be remembered for later edits. Raises
        `DeliveryFailed`; returns within its own time limit.
        """
