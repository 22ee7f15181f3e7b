"""The author of a strongly suspected commit hears of it, once, in the way that they want."""

from typing import Any

import msgspec
import pytest

from server.incidents.record import Recorder
from server.notify.email.content import content_of
from server.notify.live import Live
from server.notify.news import IncidentNews, News, SuspectNews
from server.notify.outlets import Outlets
from server.process.metrics import Metrics
from server.settings.settings import MinSeverity
from server.storage.database import Database
from server.storage.main import (
    accounts,
    commit_authors,
    deploys,
    noise,
    notification_routes,
    outbox,
    people,
    waiting_incidents,
)
from server.storage.main.noise import FilterValues
from server.storage.main.notification_routes import RouteValues, Timing, When
from server.storage.main.outbox import Delivery, DeliveryFilter
from shared.incident import Change, SuspectCommit
from shared.pipe import Incident, IncidentEnded
from tests.builders import at, change_window, commit
from tests.server.notify.news import incident
from tests.signed_in import wish

OUTLETS = Outlets(email=True, slack="bot", slack_receiver="#alerts")
LEAST = 0.7
ADDRESS = "ada@acme.example"
_decode = msgspec.json.Decoder(News).decode


class Scene:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.seq = 0
        self.recorder = self.recording(OUTLETS)

    def recording(self, outlets: Outlets, floor: MinSeverity = "all") -> Recorder:
        return Recorder(
            self.database,
            live=Live(),
            metrics=Metrics(),
            min_severity=floor,
            outlets=outlets,
            tell_authors_from=LEAST,
        )

    async def say(
        self, change: Change, confidence: float = 0.8, commit_id: str = "a1b2c3d4", **changes: Any
    ) -> None:
        """The engine says this of the one incident, with this suspect."""
        self.seq += 1
        suspect = SuspectCommit(
            commit_id, 0.9, confidence, ["changes total"], "Ada", "Round", deploy_id="d1"
        )
        summary = incident(suspected_causes=[suspect], **changes)
        said = Incident(seq=self.seq, change=change, **msgspec.structs.asdict(summary))
        await self.recorder.record([said], [])

    async def end(self) -> None:
        over = IncidentEnded(incident().incident_id, "it is over", at(60))
        await self.recorder.record([over], [])

    async def rows(self) -> list[Delivery]:
        async with self.database.read() as tx:
            return (await outbox.newest(tx, DeliveryFilter(), 100))[::-1]

    async def mails(self) -> list[str]:
        """What was mailed to Ada: the change, or that her commit is suspected."""
        news = [_decode(each.news) for each in await self.rows() if each.receiver == ADDRESS]
        return [
            each.change if isinstance(each, IncidentNews) else type(each).__name__ for each in news
        ]


@pytest.fixture
async def scene(database: Database) -> Scene:
    written = commit("a1b2c3d4", author="Ada", author_email=ADDRESS)
    window = change_window(0, deploy_id="d1", commits=[written, commit("b", author_email="x@y")])
    async with database.write() as tx:
        await wish(tx, email=ADDRESS)
        await deploys.store(tx, "shop", "production", window)
        await commit_authors.note(tx, window.commits, 1)
    return Scene(database)


async def test_the_author_hears_of_it_instead_of_the_usual_mail(scene: Scene) -> None:
    await scene.say("opened")
    assert await scene.mails() == ["SuspectNews"]
    await scene.say("escalated", severity="critical")
    await scene.end()
    assert await scene.mails() == ["SuspectNews", "escalated", "ended"]


async def test_a_suspicion_that_comes_later_is_told_then_and_once(scene: Scene) -> None:
    await scene.say("opened", confidence=LEAST - 0.01)
    await scene.say("updated", confidence=LEAST)
    await scene.say("updated", confidence=0.9)
    assert await scene.mails() == ["opened", "SuspectNews"]
    await scene.say("updated", commit_id="b")
    await scene.say("updated", commit_id="unknown")
    assert await scene.mails() == ["opened", "SuspectNews"]


async def test_who_wants_no_mail_about_incidents_may_want_it_about_their_commits(
    scene: Scene,
) -> None:
    async with scene.database.write() as tx:
        await wish(tx, email=ADDRESS, email_incidents=False, services=["other"])
    await scene.say("opened")
    assert await scene.mails() == ["SuspectNews"]


async def test_who_does_not_want_to_hear_of_it_gets_the_usual(scene: Scene) -> None:
    async with scene.database.write() as tx:
        await wish(tx, email=ADDRESS, my_commits="off")
    await scene.say("opened")
    assert await scene.mails() == ["opened"]


async def test_by_slack_it_is_a_direct_message_and_the_channel_hears_what_it_would_hear(
    scene: Scene,
) -> None:
    async with scene.database.write() as tx:
        await wish(tx, email=ADDRESS, my_commits="slack")
    await scene.say("opened")
    by_slack = [each.receiver for each in await scene.rows() if each.channel == "slack"]
    assert by_slack == ["#alerts", f"direct message to {ADDRESS}"]
    await scene.end()
    by_slack = [each.receiver for each in await scene.rows() if each.channel == "slack"]
    assert by_slack[2:] == ["#alerts"]


async def test_a_direct_message_alone_does_not_bring_the_end_into_the_channel(
    scene: Scene,
) -> None:
    async with scene.database.write() as tx:
        await wish(tx, email=ADDRESS, my_commits="slack")
    scene.recorder = scene.recording(Outlets(slack="bot", slack_receiver="#alerts"))
    # A push has its own message in the channel, so that its incident is not told there.
    tags = {"pusher": "ada", "branch": "main"}
    await scene.say("opened", trigger="deploy", source="github", tags=tags)
    await scene.end()
    assert [each.receiver for each in await scene.rows()] == [f"direct message to {ADDRESS}"]


async def test_what_is_noise_the_author_is_not_told_of(scene: Scene) -> None:
    async with scene.database.write() as tx:
        await noise.add(tx, FilterValues(pattern="ValueError*"), "ada")
    await scene.say("opened")
    assert await scene.mails() == []


@pytest.mark.parametrize("when", ["daily", "never"])
async def test_while_a_route_keeps_all_waiting_the_author_is_not_told(
    scene: Scene, when: When
) -> None:
    async with scene.database.write() as tx:
        await notification_routes.add(tx, RouteValues(timing=Timing(when)), "ada")
    await scene.say("opened")
    await scene.say("updated")
    assert await scene.mails() == []
    async with scene.database.write() as tx:
        await waiting_incidents.end(tx, incident().incident_id)
    await scene.say("updated")
    assert await scene.mails() == (["SuspectNews"] if when == "daily" else [])


async def test_what_is_too_mild_for_everybody_the_author_is_not_told_of(scene: Scene) -> None:
    scene.recorder = scene.recording(OUTLETS, "critical")
    await scene.say("opened")
    assert await scene.mails() == []


async def test_an_author_who_is_nobody_here_is_not_told(scene: Scene) -> None:
    async with scene.database.write() as tx:
        await wish(tx, email="bob@acme.example")
    await scene.say("opened")
    assert [each.receiver for each in await scene.rows()] == ["bob@acme.example", "#alerts"]


async def test_two_people_of_whom_one_is_the_author_each_hear_their_own(scene: Scene) -> None:
    async with scene.database.write() as tx:
        await accounts.add(tx, name="Bob", email="bob@acme.example", role="member", hashed="x")
        assert len(await people.everyone(tx)) == 2
    await scene.say("opened")
    told = {each.receiver: type(_decode(each.news)) for each in await scene.rows()}
    assert told[ADDRESS] is SuspectNews
    assert told["bob@acme.example"] is IncidentNews


def test_the_mail_says_which_commit_how_sure_why_and_what_to_check() -> None:
    summary = incident(recommended_first_actions=["Roll back."])
    news = SuspectNews(incident=summary, suspect=summary.suspected_causes[0], why="It is new.")
    content = content_of(news, "https://pushlog.example")
    assert content.subject.startswith("Your commit a1b2c3d4 Round prices may have caused ")
    assert content.preview.startswith("80 % confidence.")
    titles = [each.title for each in content.sections]
    assert titles[0] == "Your commit"
    assert "What to do first" in titles
    assert "Suspect commits" not in titles
    assert titles[-1] == "Is it the cause?"
