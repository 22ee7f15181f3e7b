"""One person, and all ways to tell: mail, a bot in Slack, a webhook and a target of Apprise."""

import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar

from server.incidents.record import Recorder
from server.notify.delivery.pace import SLACK_BOT
from server.notify.delivery.worker import Postman
from server.notify.live import Live
from server.notify.outlets import Outlets
from server.notify.slack.channel import open_slack
from server.process.metrics import Metrics
from server.settings.settings import Slack
from server.storage.database import Database
from server.storage.main import incidents, notifications, outbox
from server.storage.main.incidents import IncidentChange
from server.storage.main.outbox import Delivery, DeliveryFilter
from tests.clock import Clock
from tests.fakes.slack import FakeSlack
from tests.server.notify.turns import turn
from tests.signed_in import OPERATOR, wish

ADDRESS = "ada@acme.example"
URL = "https://pushlog.example"


class Scene:
    """A recorder that tells in all ways, of which Slack's postman works when it is asked to."""

    def __init__(self, database: Database, clock: Clock, slack: FakeSlack) -> None:
        self.database, self.clock, self.slack = database, clock, slack
        self.postman: Postman
        self.recorder = Recorder(
            database,
            live=Live(),
            metrics=Metrics(),
            min_severity="all",
            outlets=Outlets(
                email=True,
                slack="bot",
                slack_receiver="#alerts",
                targets=(("webhook", "hooks.example#1"), ("apprise", "discord#1")),
            ),
            now=clock,
        )

    async def rows_of(self, change: str) -> list[Delivery]:
        """What is told of this kind of change, oldest first."""
        async with self.database.read() as tx:
            found = await outbox.newest(tx, DeliveryFilter(), 100)
        return [each for each in found if f"/{change}/" in each.key][::-1]

    async def timeline_of(self, incident_id: str, change: str) -> list[IncidentChange]:
        """What the incident's timeline says of this kind of change."""
        async with self.database.read() as tx:
            found = await incidents.changes(tx, incident_id, 100)
        return [each for each in found if each.change == change]

    async def bell(self) -> list[str]:
        """The changes for which the bell rang, oldest first."""
        async with self.database.read() as tx:
            newest = await notifications.newest(tx, OPERATOR, 100)
        return [each.change for each in newest][::-1]

    async def deliver(self) -> None:
        """Let Slack get all that is due."""
        while await turn(self.postman) == 0.0:
            pass


S = TypeVar("S", bound=Scene)


@contextlib.asynccontextmanager
async def telling(kind: type[S], database: Database, clock: Clock) -> AsyncIterator[S]:
    """Yield a scene with its postman."""
    async with database.write() as tx:
        await wish(tx, email=ADDRESS)
    async with FakeSlack() as slack:
        scene = kind(database, clock, slack)
        bot = Slack(bot_token=slack.token, channel="#alerts", api_url=slack.api_url)
        async with open_slack(bot, URL, clock) as channel:
            scene.postman = Postman(
                database, channel, SLACK_BOT, Metrics(), now=clock, draw=lambda: 0.5
            )
            yield scene
