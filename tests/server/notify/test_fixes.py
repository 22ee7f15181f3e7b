"""Who heard of an incident hears that a deploy reverts its suspect: once, in its thread."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server.notify.apprise.text import text_of as apprise_text_of
from server.notify.email.compose import Letterhead, compose
from server.notify.email.content import content_of
from server.notify.email.digest import digest_of
from server.notify.fixes import is_revert, names, reverts_in, reverts_of
from server.notify.news import IncidentNews, News
from server.notify.webhook.payload import payload_of
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from server.storage.main import incidents, joined_issues
from server.storage.main.outbox import Delivery
from server.storage.main.tables import fixes as fixes_table
from server.storage.times import to_micros
from shared.decisions import Code
from shared.event import Commit
from shared.incident import SuspectCommit, Symptom
from shared.pipe import ChangeWindowEntry, Decision, Incident, IncidentEnded, encode_lines
from tests.builders import START, at, change_window_entry, commit
from tests.clock import Clock
from tests.fakes.slack import FakeSlack, text_of
from tests.mails import text
from tests.server.notify.all_ways import ADDRESS, URL, Scene, telling
from tests.server.notify.letters import letter
from tests.server.notify.news import ended, incident, opened, suspect_reverted
from tests.signed_in import wish

SUSPECT = "c0ffee" + "1" * 34
OTHER = "decade" + "2" * 34
REVERT = "feed00" + "3" * 34
AGAIN = "facade" + "4" * 34
ID = incident().incident_id
DAY_S = 86_400
_decode = msgspec.json.Decoder(News).decode


def revert(of: str = SUSPECT, commit_id: str = REVERT, subject: str = "Round prices") -> Commit:
    """What `git revert` makes."""
    message = f'Revert "{subject}"\n\nThis reverts commit {of}.\n'
    return commit(commit_id, message=message, author="Bob", url=f"https://git.example/{commit_id}")


def suspect(commit_id: str = SUSPECT, **changes: Any) -> SuspectCommit:
    return SuspectCommit(commit_id, 0.9, 0.6, ["it is new"], "Ada", "Round prices", **changes)


class Reverting(Scene):
    """One in which deploys are announced, in order."""

    def __init__(self, database: Database, clock: Clock, slack: FakeSlack) -> None:
        super().__init__(database, clock, slack)
        self.seq = 0

    async def say(
        self, change: str = "opened", suspects: Sequence[SuspectCommit] = (), **changes: Any
    ) -> None:
        """The engine says this of an incident."""
        self.seq += 1
        summary = incident(suspected_causes=list(suspects or [suspect()]), **changes)
        said = Incident(seq=self.seq, change=change, **msgspec.structs.asdict(summary))  # type: ignore[arg-type]
        await self.recorder.record([said, Decision(self.seq, Code.OPENED, ID)], [])

    async def end(self) -> None:
        await self.recorder.record([IncidentEnded(ID, "it is over", self.clock.now)], [])

    def deploy(
        self, *commits: Commit, seconds: float = 60, deploy_id: str = "d2", **changes: Any
    ) -> ChangeWindowEntry:
        """A deploy of these commits, which is announced next."""
        self.seq += 1
        return change_window_entry(
            self.seq, seconds, commits=list(commits), deploy_id=deploy_id, **changes
        )

    async def announce(self, *entries: ChangeWindowEntry) -> None:
        await self.recorder.record(
            [Decision(each.seq or 0, Code.NOTED) for each in entries],
            [journalled(each) for each in entries],
        )

    async def rows(self) -> list[Delivery]:
        """What is told of a revert, oldest first."""
        return await self.rows_of("suspect_reverted")

    async def said(self) -> list[str]:
        """What the timeline says of it."""
        return [each.about for each in await self.timeline_of(ID, "suspect_reverted")]


def journalled(entry: ChangeWindowEntry) -> JournalEntry:
    received = to_micros(entry.received or START)
    return JournalEntry(entry.seq or 0, received, encode_lines((entry,))[:-1])


@pytest.fixture
async def scene(database: Database, clock: Clock) -> AsyncIterator[Reverting]:
    async with telling(Reverting, database, clock) as scene:
        yield scene


async def test_who_heard_of_an_incident_hears_that_its_suspect_is_reverted_in_each_way(
    scene: Reverting,
) -> None:
    await scene.say()
    await scene.announce(scene.deploy(revert()))
    name = f"{ID}/suspect_reverted/d2"
    assert [each.key for each in await scene.rows()] == [
        f"{name}/email/person-1",
        f"{name}/slack",
        f"{name}/webhook/hooks.example#1",
        f"{name}/apprise/discord#1",
    ]
    assert await scene.bell() == ["opened", "suspect_reverted"]
    assert await scene.said() == [
        "Deploy d2 brings feed003333 by Bob, which reverts the suspect commit "
        "c0ffee1111 “Round prices”."
    ]


async def test_slack_says_it_in_the_thread_and_leaves_the_message_as_it_is(
    scene: Reverting,
) -> None:
    await scene.say()
    await scene.deliver()
    (before,) = scene.slack.roots()
    shown = text_of(before)
    await scene.announce(scene.deploy(revert()))
    await scene.deliver()
    (root,) = scene.slack.roots()
    assert text_of(root) == shown
    (reply,) = scene.slack.replies(root["ts"])
    assert reply["text"].startswith("*Suspect reverted*: Deploy d2 brings feed003333 by Bob")
    assert f"<https://git.example/{REVERT}|Show it>" in reply["text"]
    assert reply["reply_broadcast"] is False


async def test_it_is_told_once_however_often_the_deploy_is_announced(scene: Reverting) -> None:
    await scene.say()
    deploy = scene.deploy(revert())
    for _ in range(2):
        await scene.announce(deploy)
    # When it succeeded, or its commits were looked up, it is announced again.
    await scene.announce(scene.deploy(revert(), seconds=90))
    await scene.announce(scene.deploy(seconds=95))
    # A sender may announce the newest commits each time.
    await scene.announce(scene.deploy(revert(), seconds=200, deploy_id="d3"))
    assert len(await scene.rows()) == 4
    assert len(await scene.said()) == 1
    assert await scene.bell() == ["opened", "suspect_reverted"]


async def test_of_many_suspects_the_first_is_named_and_one_deploy_is_told_once(
    scene: Reverting,
) -> None:
    await scene.say(suspects=[suspect(OTHER), suspect()])
    await scene.announce(scene.deploy(revert(), revert(OTHER, AGAIN)))
    (said,) = await scene.said()
    assert "reverts the suspect commit decade2222" in said
    assert len(await scene.rows()) == 4


async def test_a_commit_that_was_suspected_at_some_time_counts(scene: Reverting) -> None:
    await scene.say()
    await scene.say("updated", suspects=[suspect(OTHER)])
    await scene.announce(scene.deploy(revert()))
    assert len(await scene.said()) == 1


@pytest.mark.parametrize(
    "changes",
    [{"service": "basket"}, {"environment": "staging"}],
    ids=["another service", "another environment"],
)
async def test_a_deploy_of_something_else_is_no_news(
    scene: Reverting, changes: dict[str, Any]
) -> None:
    await scene.say()
    await scene.announce(scene.deploy(revert(), **changes))
    assert await scene.said() == []


async def test_a_revert_of_another_commit_is_no_news(scene: Reverting) -> None:
    await scene.say()
    await scene.announce(scene.deploy(revert("1234567"), commit(OTHER)))
    assert await scene.said() == []


async def test_what_was_deployed_before_the_incident_is_no_news_about_it(scene: Reverting) -> None:
    await scene.say()
    await scene.announce(scene.deploy(revert(), seconds=-60))
    assert await scene.said() == []


async def test_an_incident_that_opened_after_the_deploy_of_its_batch_hears_nothing(
    scene: Reverting,
) -> None:
    deploy = scene.deploy(revert())
    scene.seq += 1
    summary = incident(suspected_causes=[suspect()])
    said = Incident(seq=scene.seq, change="opened", **msgspec.structs.asdict(summary))
    await scene.recorder.record([said, Decision(scene.seq, Code.OPENED, ID)], [journalled(deploy)])
    assert await scene.said() == []


async def test_an_incident_that_opened_before_the_deploy_in_one_batch_is_told_after_its_opening(
    scene: Reverting,
) -> None:
    scene.seq += 1
    summary = incident(suspected_causes=[suspect()])
    said = Incident(seq=scene.seq, change="opened", **msgspec.structs.asdict(summary))
    deploy = scene.deploy(revert())
    await scene.recorder.record([said, Decision(scene.seq, Code.NOTED)], [journalled(deploy)])
    assert await scene.bell() == ["opened", "suspect_reverted"]
    assert len(await scene.rows()) == 4


@pytest.mark.parametrize(("days", "told"), [(6.9, 1), (7.1, 0)])
async def test_an_ended_incident_hears_of_it_for_seven_days(
    scene: Reverting, days: float, told: int
) -> None:
    await scene.say()
    await scene.end()
    scene.clock.pass_s(days * DAY_S)
    await scene.announce(scene.deploy(revert(), seconds=days * DAY_S))
    rows = await scene.rows()
    assert len(rows) == 4 * told
    for each in rows:
        news = _decode(each.news)
        assert isinstance(news, IncidentNews)
        assert (news.is_over, news.end_reason) == (True, "it is over")


async def test_who_did_not_hear_of_the_incident_hears_of_no_revert(scene: Reverting) -> None:
    async with scene.database.write() as tx:
        await wish(tx, email=ADDRESS, min_severity="critical")
    await scene.say()
    await scene.announce(scene.deploy(revert()))
    assert await scene.bell() == []
    assert {each.channel for each in await scene.rows()} == {"slack", "webhook", "apprise"}


async def test_a_revert_that_the_same_deploy_reverts_again_is_none(scene: Reverting) -> None:
    await scene.say()
    back = revert(REVERT, AGAIN, 'Revert "Round prices"')
    await scene.announce(scene.deploy(revert(), back))
    assert await scene.said() == []


async def test_a_revert_of_a_revert_is_no_news_even_if_the_revert_is_suspected(
    scene: Reverting,
) -> None:
    await scene.announce(scene.deploy(revert(OTHER), seconds=-60, deploy_id="d1"))
    await scene.say(suspects=[suspect(REVERT)])
    # Its subject is somebody's own, so only the reverted commit tells.
    back = commit(AGAIN, message=f"Round prices after all\n\nThis reverts commit {REVERT}.")
    await scene.announce(scene.deploy(back))
    assert await scene.said() == []


async def test_a_deploy_that_goes_back_behind_the_suspect_takes_it_back(scene: Reverting) -> None:
    await scene.announce(scene.deploy(commit(OTHER), seconds=-900, deploy_id="d1"))
    await scene.announce(scene.deploy(commit(SUSPECT), seconds=-60))
    await scene.say()
    await scene.announce(scene.deploy(commit(OTHER), seconds=60, deploy_id="d1"))
    assert await scene.said() == [
        "Deploy d1 goes back to what ran before the suspect commit c0ffee1111 “Round prices”."
    ]
    # And forward again: nothing is taken back.
    await scene.announce(scene.deploy(commit(SUSPECT), seconds=120))
    assert len(await scene.said()) == 1


async def test_a_deploy_that_goes_forward_again_takes_nothing_back(scene: Reverting) -> None:
    await scene.announce(scene.deploy(commit(SUSPECT), seconds=-900, deploy_id="d1"))
    await scene.announce(scene.deploy(commit(OTHER), seconds=-600))
    await scene.announce(scene.deploy(commit(SUSPECT), seconds=-60, deploy_id="d1"))
    taken = suspect(OTHER, taken_away=True)
    await scene.say(suspects=[suspect(), taken])
    await scene.announce(scene.deploy(commit(OTHER), seconds=60))
    assert await scene.said() == []


async def test_a_suspect_that_was_taken_away_is_not_taken_back_by_that(scene: Reverting) -> None:
    for seconds, commit_id, deploy_id in (
        (-900, OTHER, "d1"),
        (-600, SUSPECT, "d2"),
        (-60, OTHER, "d1"),
    ):
        deploy = scene.deploy(commit(commit_id), seconds=seconds, deploy_id=deploy_id)
        await scene.announce(deploy)
    await scene.say(suspects=[suspect(taken_away=True)])
    await scene.announce(scene.deploy(commit(SUSPECT), seconds=60))
    await scene.announce(scene.deploy(commit(OTHER), seconds=120, deploy_id="d1"))
    assert await scene.said() == []


async def test_a_deploy_that_is_announced_late_and_runs_no_longer_takes_nothing_back(
    scene: Reverting,
) -> None:
    await scene.announce(scene.deploy(commit(OTHER), seconds=-900, deploy_id="d1"))
    await scene.announce(scene.deploy(commit(SUSPECT), seconds=-60))
    await scene.say()
    await scene.announce(scene.deploy(commit(AGAIN), seconds=100, deploy_id="d3"))
    await scene.announce(scene.deploy(commit(OTHER), seconds=60, deploy_id="d1"))
    assert await scene.said() == []


async def test_new_errors_are_still_to_be_told_afterwards(scene: Reverting) -> None:
    await scene.say()
    scene.seq += 1
    summary = incident(suspected_causes=[suspect()])
    joined = [Symptom("f2", "KeyError", "id", 1)]
    said = Incident(
        seq=scene.seq, change="joined", joined=joined, **msgspec.structs.asdict(summary)
    )
    await scene.recorder.record([said, Decision(scene.seq, Code.JOINED, ID)], [])
    await scene.announce(scene.deploy(revert()))
    async with scene.database.read() as tx:
        assert len(await joined_issues.untold(tx, ID)) == 1


async def test_what_was_told_goes_with_its_incident(scene: Reverting) -> None:
    await scene.say()
    await scene.announce(scene.deploy(revert()))
    await scene.end()
    async with scene.database.write() as tx:
        assert await incidents.remove_old(tx, to_micros(at(DAY_S)), scene.seq, 9) == 1
    async with scene.database.read() as tx:
        assert (await tx.execute(select(fixes_table))).all() == []


async def test_secrets_in_messages_of_commits_are_masked(scene: Reverting) -> None:
    await scene.say()
    await scene.announce(scene.deploy(revert(subject="password=hunter2hunter2")))
    for each in await scene.rows():
        assert b"hunter2" not in each.news


SAID = (
    "Deploy e5f6a7b8 brings e5f6a7b8 by Bob, which reverts the suspect commit a1b2c3d4 "
    "“Round prices”."
)


def test_the_mail_is_in_the_thread_of_the_incident_and_names_both_commits() -> None:
    letterhead = Letterhead(
        sender="pushlog@acme.example", public_url=URL, unsubscribe_url=lambda _: f"{URL}/u"
    )
    first = compose([letter(opened())], letterhead, START)
    mail = compose([letter(suspect_reverted())], letterhead, START)
    assert mail["In-Reply-To"] == first["Message-ID"]
    assert mail["Subject"] == f"Re: {first['Subject']}"
    content = content_of(suspect_reverted(), URL)
    assert (content.kicker, content.tone, content.preview) == ("Suspect reverted", "good", SAID)
    body = text(mail)
    for part in ('Revert "Round prices"', "https://git.example/e5f6a7b8", "price is negative"):
        assert part in body


def test_a_digest_says_it_and_still_knows_that_the_incident_ended() -> None:
    over = msgspec.structs.replace(suspect_reverted(), ended_at=at(60))
    content = digest_of([letter(ended(), "a"), letter(over, "b")], URL)
    assert content.sections[0].title == "Already ended"
    assert content.labels == ["1 had a suspect reverted, 1 ended"]
    running = digest_of([letter(opened(), "a"), letter(suspect_reverted(), "b")], URL)
    assert running.sections[0].title == "Ongoing"


def test_a_program_gets_the_deploy_and_both_commits() -> None:
    told = payload_of([letter(suspect_reverted())], URL)
    assert told.type == "incident.suspect_reverted"
    data = msgspec.to_builtins(told)["data"]
    assert data["fix"] == {
        "text": SAID,
        "deploy_id": "e5f6a7b8",
        "deploy_time": "2025-03-04T09:10:00Z",
        "release": None,
        "suspect": {
            "commit_id": "a1b2c3d4",
            "subject": "Round prices",
            "author": "Ada",
            "url": None,
        },
        "reverted_by": {
            "commit_id": "e5f6a7b8",
            "subject": 'Revert "Round prices"',
            "author": "Bob",
            "url": "https://git.example/e5f6a7b8",
        },
    }
    assert msgspec.to_builtins(payload_of([letter(opened())], URL))["data"]["fix"] is None


def test_apprise_says_it_as_good_news() -> None:
    text = apprise_text_of([letter(suspect_reverted())], URL, 2_000)
    assert (text.tone, text.body) == ("success", f"{SAID}\n{URL}/incidents/{ID}")
    assert text.title.startswith("error had a suspect reverted in shop/production")


HASHES = st.text("0123456789abcdef", min_size=7, max_size=40)


@given(st.lists(HASHES, min_size=1, max_size=5, unique=True), st.sampled_from([".", ",", "\n", ""]))
def test_each_commit_that_a_message_says_it_reverts_is_found(hashes: list[str], end: str) -> None:
    sentences = [f"This reverts commit {each}{end}" for each in hashes]
    message = 'Revert "Round prices"\n\n' + "\n".join(sentences)
    assert reverts_in(message) == hashes
    assert reverts_in(message.upper()) == hashes
    assert is_revert(message)
    for begin in ('Revert "Revert "Round prices""', 'Reapply "Round prices"'):
        assert reverts_in(f"{begin}\n\n{message}") == []


@given(st.text() | st.from_regex(r"[Rr]everts? commit [0-9a-f]{0,70}\.?"))
def test_any_message_gives_hashes_that_are_in_it_and_long_enough_to_be_one(message: str) -> None:
    for named in reverts_in(message):
        assert 7 <= len(named) <= 64
        assert named in message.lower()
        assert "this reverts commit" in " ".join(message.lower().split())


@pytest.mark.parametrize(
    ("message", "hashes"),
    [
        (
            f"Revert merge\n\nThis reverts commit {SUSPECT}, reversing\nchanges made to {OTHER}.",
            [SUSPECT],
        ),
        (f"Wrapped\n\nThis reverts\ncommit {SUSPECT}.", [SUSPECT]),
        ("Too short\n\nThis reverts commit c0ffee.", []),
        (f"In part\n\nThis partially reverts commit {SUSPECT}.", []),
        (f"No word\n\nThis reverts commit {SUSPECT}xyz", []),
        ('Revert "Round prices"', []),
        ("", []),
    ],
)
def test_only_the_sentence_of_git_names_what_is_reverted(message: str, hashes: list[str]) -> None:
    assert reverts_in(message) == hashes


def test_hashes_may_be_abbreviated_on_both_sides() -> None:
    assert names(SUSPECT[:7], SUSPECT)
    assert names(SUSPECT, SUSPECT[:8].upper())
    assert not names(SUSPECT, "c0")
    assert not names(OTHER, SUSPECT)
    assert reverts_of([revert(SUSPECT[:7]), commit(OTHER)]) == [(SUSPECT[:7], revert(SUSPECT[:7]))]
