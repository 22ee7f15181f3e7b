"""Who heard of an incident hears that a deploy brings its fix: once, in its thread."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from server.notify.apprise.text import text_of as apprise_text_of
from server.notify.email.compose import Letterhead, compose
from server.notify.email.content import content_of
from server.notify.email.digest import digest_of
from server.notify.webhook.payload import payload_of
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import fixes
from server.storage.main.incidents import IncidentChange
from server.storage.main.outbox import Delivery
from server.storage.times import to_micros
from shared.decisions import Code
from shared.incident import SuspectCommit
from shared.pipe import Decision, FixLive, Incident, IncidentEnded, Outbound, encode_lines
from tests.builders import START, at, change_window_entry, commit
from tests.clock import Clock
from tests.fakes.slack import text_of
from tests.server.notify.all_ways import ADDRESS, URL, Scene, telling
from tests.server.notify.letters import letter
from tests.server.notify.news import ended, fix_live, incident, opened
from tests.signed_in import wish

ID = incident().incident_id
SUSPECT = "c0ffee" + "1" * 34
SAID = "The fix is live: release shop@2.3.1 was deployed at 4 Mar 2025, 09:10:00 UTC."


class Told(Scene):
    """One in which the engine's words are told."""

    async def say(self, *messages: Outbound, entries: Sequence[JournalEntry] = ()) -> None:
        """The engine says this, and people are told."""
        await self.recorder.record(messages, entries)

    async def open(self, **changes: Any) -> None:
        await self.say(opening(**changes), Decision(1, Code.OPENED, ID))

    async def end(self) -> None:
        await self.say(IncidentEnded(ID, "it is over", at(60)))

    async def rows(self) -> list[Delivery]:
        """What is told of fixes that are live, oldest first."""
        return await self.rows_of("fix_live")

    async def timeline(self) -> list[IncidentChange]:
        """What the timeline says of it."""
        return await self.timeline_of(ID, "fix_live")


def opening(**changes: Any) -> Incident:
    return Incident(seq=1, change="opened", **msgspec.structs.asdict(incident(**changes)))


def live(seq: int = 2, **changes: Any) -> FixLive:
    """The engine says that the deploy `d2` brings the fix."""
    fields: dict[str, Any] = {
        "incident_id": ID,
        "seq": seq,
        "release": "shop@2.3.1",
        "deploy_id": "d2",
        "deploy_time": at(600),
        "issues": 1,
        "time": at(660),
    }
    return FixLive(**(fields | changes))


@pytest.fixture
async def told(database: Database, clock: Clock) -> AsyncIterator[Told]:
    async with telling(Told, database, clock) as told:
        yield told


async def test_who_heard_of_an_incident_hears_that_its_fix_is_live_in_each_way(told: Told) -> None:
    await told.open()
    await told.end()
    await told.say(live(), Decision(2, Code.NOTED))
    name = f"{ID}/fix_live/d2"
    assert [each.key for each in await told.rows()] == [
        f"{name}/email/person-1",
        f"{name}/slack",
        f"{name}/webhook/hooks.example#1",
        f"{name}/apprise/discord#1",
    ]
    assert await told.bell() == ["opened", "ended", "fix_live"]
    assert await told.timeline() == [
        IncidentChange(seq=2, change="fix_live", at=at(660), about=SAID)
    ]


async def test_slack_says_it_in_the_thread_and_leaves_the_message_as_it_is(told: Told) -> None:
    await told.open()
    await told.end()
    await told.deliver()
    (before,) = told.slack.roots()
    shown = text_of(before)
    await told.say(live(), Decision(2, Code.NOTED))
    await told.deliver()
    (root,) = told.slack.roots()
    assert text_of(root) == shown
    (*_, reply) = told.slack.replies(root["ts"])
    assert reply["text"] == SAID.replace("The fix is live", "*The fix is live*")
    assert reply["reply_broadcast"] is False


async def test_it_is_told_once_however_often_the_engine_says_it(told: Told) -> None:
    await told.open()
    for _ in range(2):
        await told.say(live(), Decision(2, Code.NOTED))
    # As of another deploy, when its announcement comes once more under another name.
    await told.say(live(3, deploy_id="d3"), Decision(3, Code.NOTED))
    assert len(await told.rows()) == 4
    assert len(await told.timeline()) == 1


async def test_each_release_that_fixes_some_of_its_issues_is_told_with_how_many(
    told: Told,
) -> None:
    await told.open(issue_count=3)
    await told.say(live(issues=2), Decision(2, Code.NOTED))
    await told.say(live(3, deploy_id="d3", release="shop@2.4.0"), Decision(3, Code.NOTED))
    assert [each.about.partition(" was ")[0] for each in await told.timeline()] == [
        "The fix of 2 of 3 issues is live: release shop@2.3.1",
        "The fix of 1 of 3 issues is live: release shop@2.4.0",
    ]


async def test_who_did_not_hear_of_the_incident_hears_of_no_fix(told: Told) -> None:
    async with told.database.write() as tx:
        await wish(tx, email=ADDRESS, min_severity="critical")
    await told.open()
    await told.say(live(), Decision(2, Code.NOTED))
    assert await told.bell() == []
    assert {each.channel for each in await told.rows()} == {"slack", "webhook", "apprise"}


async def test_an_incident_that_was_removed_hears_nothing(told: Told) -> None:
    await told.say(live(), Decision(2, Code.NOTED))
    assert await told.rows() == []


async def test_an_incident_hears_of_a_fix_in_the_batch_that_opened_it(told: Told) -> None:
    await told.say(opening(), Decision(1, Code.OPENED, ID), live(), Decision(2, Code.NOTED))
    assert await told.bell() == ["opened", "fix_live"]


async def test_a_deploy_that_reverts_the_suspect_and_is_the_fix_is_told_as_both(told: Told) -> None:
    await told.open(suspected_causes=[SuspectCommit(SUSPECT, 0.9, 0.6, ["it is new"], "Ada")])
    by = commit("feed00" + "3" * 34, message=f"Undo\n\nThis reverts commit {SUSPECT}.")
    entry = change_window_entry(2, 600, commits=[by], deploy_id="d2", release="shop@2.3.1")
    journalled = JournalEntry(2, to_micros(START), encode_lines([entry])[:-1])
    await told.say(live(), Decision(2, Code.NOTED), entries=[journalled])
    assert sorted(await told.bell()) == ["fix_live", "opened", "suspect_reverted"]


async def test_secrets_in_the_name_of_a_release_are_masked(told: Told) -> None:
    await told.open()
    await told.say(live(release="password=hunter2hunter2"), Decision(2, Code.NOTED))
    for each in await told.rows():
        assert b"hunter2" not in each.news
    assert all("hunter2" not in each.about for each in await told.timeline())


async def test_the_same_change_by_another_deploy_and_another_change_by_the_same(
    told: Told,
) -> None:
    await told.open()
    async with told.database.write() as tx:
        assert await fixes.add(tx, ID, "d2", "fix_live", "2.3.1")
        assert not await fixes.add(tx, ID, "d2", "fix_live", "2.3.2")
        assert not await fixes.add(tx, ID, "d3", "fix_live", "2.3.1")
        assert await fixes.add(tx, ID, "d2", "suspect_reverted", SUSPECT)


def test_the_mail_is_in_the_thread_of_the_incident_and_lists_no_commits() -> None:
    letterhead = Letterhead(
        sender="pushlog@acme.example", public_url=URL, unsubscribe_url=lambda _: f"{URL}/u"
    )
    first = compose([letter(opened())], letterhead, START)
    mail = compose([letter(fix_live())], letterhead, START)
    assert mail["In-Reply-To"] == first["Message-ID"]
    content = content_of(fix_live(), URL)
    assert (content.kicker, content.tone, content.preview) == ("Fix is live", "good", SAID)
    assert "Commits" not in [each.title for each in content.sections]


def test_a_digest_says_it_and_still_knows_that_the_incident_ended() -> None:
    over = msgspec.structs.replace(fix_live(), ended_at=at(60))
    content = digest_of([letter(ended(), "a"), letter(over, "b")], URL)
    assert content.sections[0].title == "Already ended"
    assert content.labels == ["1 got its fix, 1 ended"]


def test_a_program_gets_the_deploy_and_its_release() -> None:
    told = payload_of([letter(fix_live())], URL)
    assert (told.type, told.timestamp) == ("incident.fix_live", at(600))
    assert msgspec.to_builtins(told)["data"]["fix"] == {
        "text": SAID,
        "deploy_id": "d2",
        "deploy_time": "2025-03-04T09:10:00Z",
        "release": "shop@2.3.1",
        "suspect": None,
        "reverted_by": None,
    }


def test_apprise_says_it_as_good_news() -> None:
    text = apprise_text_of([letter(fix_live())], URL, 2_000)
    assert (text.tone, text.body) == ("success", f"{SAID}\n{URL}/incidents/{ID}")
    assert text.title.startswith("error got its fix in shop/production")
