"""Who chose a summary gets one by mail, once for each period, of the places that they chose."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import msgspec
import pytest

from server.notify.apprise.text import text_of
from server.notify.email.compose import compose
from server.notify.news import News, OnlyForOnePerson, SummaryNews
from server.notify.slack.blocks import line_of, render
from server.notify.summary.teller import SummaryTeller
from server.notify.webhook.payload import payload_of
from server.storage.database import Database
from server.storage.main import accounts, deploys, incident_hours, incidents, outbox
from server.storage.main.outbox import Delivery, DeliveryFilter
from server.storage.main.summaries import FaultyDeploy, Summary, SummedIncident
from server.storage.times import to_micros
from shared.event import UNKNOWN_ENVIRONMENT
from shared.pipe import DeployVerdict
from tests.builders import change_window
from tests.clock import Clock
from tests.mails import html, text
from tests.server.notify.letters import LETTERHEAD, NOW, letter
from tests.server.notify.news import opened
from tests.server.web.conftest import incident, incident_id
from tests.signed_in import OPERATOR, wish

ADDRESS = "ada@acme.example"
URL = LETTERHEAD.public_url
HOUR_S = 3600
MONDAY = datetime(2025, 3, 10, 8, tzinfo=UTC)
_decode = msgspec.json.Decoder(News).decode


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Scene:
    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self.posted = 0
        self.clock.now = MONDAY

    async def turn(self) -> None:
        """The turn of a server that has just started."""

        def post() -> None:
            self.posted += 1

        await SummaryTeller(self.database, post, self.clock).turn()

    async def wish(self, person_id: int = OPERATOR, **changes: Any) -> None:
        async with self.database.write() as tx:
            await wish(tx, person_id, **{"summary": "daily"} | changes)

    async def rows(self) -> list[Delivery]:
        async with self.database.read() as tx:
            return (await outbox.newest(tx, DeliveryFilter(), 100))[::-1]

    async def news(self) -> list[SummaryNews]:
        found = [_decode(each.news) for each in await self.rows()]
        return [each for each in found if isinstance(each, SummaryNews)]


@pytest.fixture
def scene(database: Database, clock: Clock) -> Scene:
    return Scene(database, clock)


async def test_each_person_gets_what_they_chose(scene: Scene) -> None:
    async with scene.database.write() as tx:
        for name in ("bob", "cy"):
            email = f"{name}@acme.example"
            await accounts.add(tx, name=name, email=email, role="member", hashed="x")
    await scene.wish()
    await scene.wish(2, email="bob@acme.example", summary="weekly")
    await scene.turn()
    assert [(each.receiver, each.key, each.channel) for each in await scene.rows()] == [
        (ADDRESS, "summary/daily/2025-03-10/email/person-1", "email"),
        ("bob@acme.example", "summary/weekly/2025-03-10/email/person-2", "email"),
    ]
    assert scene.posted == 2


async def test_it_comes_once_however_often_the_server_starts(scene: Scene) -> None:
    await scene.wish()
    for _ in range(3):
        await scene.turn()
        scene.clock.pass_s(HOUR_S)
    assert len(await scene.rows()) == 1
    scene.clock.now = MONDAY
    scene.clock.pass_days(1)
    await scene.turn()
    assert [each.key for each in await scene.rows()] == [
        f"summary/daily/2025-03-{day}/email/person-1" for day in (10, 11)
    ]


async def test_one_that_was_missed_comes_later_that_day_and_covers_the_time_until_then(
    scene: Scene,
) -> None:
    await scene.wish()
    scene.clock.pass_s(12 * HOUR_S - 1)
    await scene.turn()
    (news,) = await scene.news()
    assert (news.since, news.until) == (MONDAY.replace(day=9), scene.clock.now)


async def test_one_that_is_twelve_hours_late_does_not_come(scene: Scene) -> None:
    await scene.wish()
    scene.clock.pass_s(12 * HOUR_S)
    await scene.turn()
    assert await scene.rows() == []


async def test_who_wants_no_mail_about_incidents_may_want_a_summary(scene: Scene) -> None:
    await scene.wish(email_incidents=False)
    await scene.turn()
    assert len(await scene.rows()) == 1


async def test_who_turned_it_off_or_has_no_address_gets_none(scene: Scene) -> None:
    await scene.wish(summary="off")
    await scene.turn()
    await scene.wish(email=None, email_incidents=False)
    await scene.turn()
    assert await scene.rows() == []


async def test_it_is_about_the_places_that_the_person_chose(scene: Scene) -> None:
    await scene.wish(services=["shop"], environments=["production"], min_severity="critical")
    places = (
        ("shop", "production"),
        ("shop", UNKNOWN_ENVIRONMENT),
        ("shop", "staging"),
        ("api", "production"),
    )
    async with scene.database.write() as tx:
        for number, (service, environment) in enumerate(places, 1):
            began = MONDAY.replace(hour=number)
            told = incident(number, service=service, environment=environment, start_time=began)
            await incidents.put(tx, told)
    await scene.turn()
    (news,) = await scene.news()
    assert [each.incident_id for each in news.summary.most_severe] == [
        incident_id(2),
        incident_id(1),
    ]
    assert (news.services, news.environments) == (["shop"], ["production"])


async def test_it_stays_what_it_was_when_it_was_made(scene: Scene) -> None:
    await scene.wish(summary="weekly")
    began = MONDAY.replace(day=7)
    async with scene.database.write() as tx:
        await incidents.put(tx, incident(1, start_time=began))
        hour = to_micros(began) // incident_hours.HOUR_US
        await incident_hours.count(tx, {(incident_id(1), hour): 12})
        window = msgspec.structs.replace(change_window(), deploy_time=began)
        await deploys.store(tx, "shop", "production", window)
        verdict = DeployVerdict("shop", "production", began, "faulty", ["12 errors"], "a1b2c3d4")
        assert await deploys.set_verdict(tx, verdict)
    await scene.turn()
    async with scene.database.write() as tx:
        await incidents.put(tx, incident(1, seq=2000, start_time=began, title="Later"))
    (news,) = await scene.news()
    assert news.summary.opened == {"error": 1}
    (listed,) = news.summary.most_severe
    assert listed.title == "ValueError: price 1 is negative"
    assert [each.events for each in news.summary.noisiest] == [12]
    assert [each.reasons for each in news.summary.faulty] == [["12 errors"]]


def summed(number: int, **changes: Any) -> SummedIncident:
    fields: dict[str, Any] = {
        "incident_id": incident_id(number),
        "title": f"ValueError: price {number} is negative",
        "service": "shop",
        "environment": "production",
        "severity": "error",
        "started_at": MONDAY.replace(day=9),
    }
    return SummedIncident(**fields | changes)


SUMMARY = Summary(
    opened={"critical": 2, "error": 10},
    ended=9,
    open=3,
    oldest=summed(7, started_at=MONDAY.replace(day=8, hour=5)),
    most_severe=[summed(1, severity="critical", ended_at=MONDAY), summed(2)],
    noisiest=[summed(1, events=1234), summed(3, title="KeyError: token=abc123secret", events=1)],
    deploys={"clean": 6, "suspect": 1, "faulty": 2, "watching": 1},
    faulty=[
        FaultyDeploy(
            id=5,
            service="shop",
            environment="production",
            deployed_at=MONDAY.replace(day=9),
            release="shop@1.4.2",
            reasons=["2 issues that were never seen before", "more"],
        )
    ],
    held_back=4,
)


def news(summary: Summary = SUMMARY, **changes: Any) -> SummaryNews:
    fields: dict[str, Any] = {"interval": "weekly", "since": MONDAY.replace(day=3)}
    return SummaryNews(**fields | {"until": MONDAY, "summary": summary} | changes)


def mail(*told: News) -> EmailMessage:
    letters = [letter(each, f"key-{number}") for number, each in enumerate(told)]
    return message_from_bytes(bytes(compose(letters, LETTERHEAD, NOW)), policy=default)


def test_the_mail_fits_on_a_screen_and_says_what_happened() -> None:
    message = mail(news())
    assert message["Subject"] == "Your week with PushLog: 12 incidents, 2 faulty deploys"
    said = text(message)
    assert (
        said
        == f"""\
WEEKLY SUMMARY

Your week with PushLog: 12 incidents, 2 faulty deploys

Open PushLog: {URL}/incidents

Incidents
---------
Opened:       12: 2 critical, 10 error
Ended:        9
Open now:     3
Held back:    4 times by noise filters

Open longest, and nobody acknowledged it
----------------------------------------
ValueError: price 7 is negative (shop in production, open for 2 d 3 h)
    {URL}/incidents/{incident_id(7)}

Most severe
-----------
ValueError: price 1 is negative (shop in production, critical, ended)
    {URL}/incidents/{incident_id(1)}
ValueError: price 2 is negative (shop in production, error, open)
    {URL}/incidents/{incident_id(2)}

Noisiest
--------
ValueError: price 1 is negative (shop in production, 1,234 events)
    {URL}/incidents/{incident_id(1)}
KeyError: token=*** (shop in production, 1 event)
    {URL}/incidents/{incident_id(3)}

Deploys
-------
Deploys:      10: 6 clean, 1 suspect, 2 faulty, 1 without a verdict yet
Failure rate: 22 % of the 9 with a verdict

Faulty deploys
--------------
shop in production, shop@1.4.2 (9 Mar 2025, 08:00:00 UTC: 2 issues that were never seen before)
    {URL}/deploys/5
and 1 more on the page of deploys.

What this covers
----------------
From:         3 Mar 2025, 08:00:00 UTC
Until:        10 Mar 2025, 08:00:00 UTC

{"-- "}
You get this mail because you chose a weekly summary.
Unsubscribe: {URL}/unsubscribe/{"5" * 40}
"""
    )
    for words in ("12: 2 critical, 10 error", f"{URL}/deploys/5", "you chose a weekly summary"):
        assert words in html(message)


def test_if_nothing_happened_it_says_so_in_a_sentence() -> None:
    message = mail(news(Summary(), interval="daily", services=["shop", "api"]))
    assert message["Subject"] == "Your day with PushLog: nothing happened"
    said = text(message)
    assert "Nothing happened: no incident and no deploy.\n" in said
    assert "Services:     shop, api\n" in said
    assert "Opened:" not in said


@pytest.mark.parametrize(
    ("summary", "subject"),
    [
        (Summary(opened={"error": 1}), "1 incident"),
        (Summary(open=2), "no new incident"),
        (Summary(deploys={"clean": 1}), "no new incident"),
        (Summary(deploys={"faulty": 1}), "no new incident, 1 faulty deploy"),
    ],
)
def test_the_subject_says_the_most_important(summary: Summary, subject: str) -> None:
    assert mail(news(summary))["Subject"] == f"Your week with PushLog: {subject}"


def test_a_digest_has_the_whole_summary() -> None:
    said = text(mail(opened(), news()))
    for words in ("Your week with PushLog: 12 incidents", "Failure rate: 22 %", "/deploys/5"):
        assert words in said


def test_no_channel_that_others_read_can_say_it() -> None:
    for say in (
        lambda: payload_of([letter(news())], URL),
        lambda: text_of([letter(news())], URL, 1000),
        lambda: render([news()], "k", URL, buttons=False),
        lambda: line_of(news(), 100),
    ):
        with pytest.raises(OnlyForOnePerson):
            say()
