"""The ways to people outside, and which news goes where for everybody. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from server.notify.news import IncidentNews, News, PushNews, VerdictNews
from server.storage.main.outbox import ChannelName

SlackMode = Literal["bot", "webhook"]
Target = tuple[ChannelName, str]
"""A channel, and a receiver in it."""


WEBHOOK_RECEIVER = "incoming webhook"
"""Names Slack's webhook as a receiver, because its address is a secret."""


class Outlets(msgspec.Struct, frozen=True, kw_only=True):
    """The ways to people outside that are set up.

    `slack_receiver` is where Slack's messages go, but for those about deploys and about services
    with a channel of their own. `targets` are told everything that Slack is told.
    """

    email: bool = False
    slack: SlackMode | None = None
    slack_receiver: str = ""
    slack_deploys: str | None = None
    slack_services: Mapping[str, str] = {}
    targets: tuple[Target, ...] = ()

    def shared_by_all(self, news: News) -> Sequence[Target]:
        """Return where this news goes for everybody, whatever each person has set."""
        return [("slack", self.slack_for(news)), *self.targets] if self.slack else self.targets

    def usual_receivers(self, channel: ChannelName) -> Sequence[str]:
        """Return who is told of most news by this channel; by mail, that depends on each person."""
        if channel == "slack":
            return [self.slack_receiver]
        return [receiver for each, receiver in self.targets if each == channel]

    def slack_for(self, news: News) -> str:
        """Return where this news goes in Slack."""
        match news:
            case IncidentNews(incident=incident):
                return self._of_service(incident.service)
            case PushNews(service=service) | VerdictNews(service=service):
                return self.slack_deploys or self._of_service(service)
        return self.slack_receiver

    def reaches_in_slack(self, receiver: str) -> bool:
        """Return whether a message can go to this channel of Slack, as it is set up now."""
        return (receiver == WEBHOOK_RECEIVER) == (self.slack == "webhook")

    @property
    def slack_receivers(self) -> Sequence[str]:
        """Return all channels of Slack, the usual one first."""
        others = (self.slack_deploys, *self.slack_services.values())
        return list(dict.fromkeys(filter(None, (self.slack_receiver, *others))))

    def _of_service(self, service: str) -> str:
        return self.slack_services.get(service, self.slack_receiver)
