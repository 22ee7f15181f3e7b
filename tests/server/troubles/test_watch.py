"""Each trouble is opened and closed once, and told to the admins by every way."""

import contextlib
import logging
import sqlite3

import msgspec
import pytest

from server.notify.news import TroubleNews
from server.storage.main import accounts, notifications, outbox, people
from server.storage.main.outbox import DeliveryFilter, NewDelivery
from server.troubles.kinds import KINDS
from server.troubles.signs import FORGOTTEN_US, LATE_MAIL_US
from tests.server.troubles.conftest import House
from tests.signed_in import OPERATOR, wish

TITLE = KINDS["dead_letters"].title


async def test_a_trouble_is_told_to_admins_by_bell_mail_and_slack_whatever_else_they_want(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with house.database.write() as tx:
        await wish(tx, min_severity="critical", services=["other"], environments=[])
    assert await house.look() == []
    assert house.posted == 0
    await house.bury()
    version = house.live.version
    with house.live.listen(OPERATOR) as listener:
        assert await house.look() == ["dead_letters"]
        assert await listener.news(0) == {"bell", "incidents"}
    assert house.live.version != version
    assert house.posted == 1
    assert await house.bells() == [("opened", TITLE)]
    rows = await house.told()
    assert [(each.channel, each.receiver) for each in rows] == [
        ("email", "ada@acme.example"),
        ("slack", "#alerts"),
    ]
    for row in rows:
        news = msgspec.json.decode(row.news, type=TroubleNews)
        assert (news.change, news.title, news.severity) == ("opened", TITLE, "warning")
        assert news.text == "1 dead letter waits for somebody to settle"
        assert news.advice == KINDS["dead_letters"].advice
    (line,) = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert line == f"[server] trouble: {TITLE}: 1 dead letter waits for somebody to settle"


async def test_it_is_told_once_however_long_it_lasts_and_once_more_when_it_is_over(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    await house.bury()
    for _ in range(10):
        assert await house.look(5) == ["dead_letters"]
    await house.bury(2)
    assert await house.look(5) == ["dead_letters"]
    (trouble,) = await house.all()
    assert trouble.text == "2 dead letters wait for somebody to settle"
    for seq in (1, 2):
        await house.settle(seq)
    assert await house.look(5) == ["dead_letters"]
    assert await house.look(59.9) == []
    assert await house.look(600) == []
    assert await house.bells() == [("opened", TITLE), ("ended", TITLE)]
    (over,) = await house.all()
    assert over.closed_at is not None
    last = msgspec.json.decode((await house.told())[-1].news, type=TroubleNews)
    assert (last.change, last.closed_at, last.advice) == ("ended", over.closed_at, "")
    said = [each.getMessage() for each in caplog.records]
    assert said[-1] == f"[server] trouble over: {TITLE}"
    assert len(said) == 2


async def test_members_and_those_without_mail_are_spared(house: House) -> None:
    async with house.database.write() as tx:
        await wish(tx, email_incidents=False)
        await accounts.add(tx, name="Bo", email="bo@acme.example", role="member", hashed="-")
    await house.bury()
    await house.look()
    async with house.database.read() as tx:
        rung = {
            person.name: len(await notifications.newest(tx, person.id, 9))
            for person in await people.everyone(tx)
        }
    assert rung == {"operator": 1, "Bo": 0}
    assert [each.channel for each in await house.told()] == ["slack"]


async def test_a_restart_tells_nothing_again_and_closes_what_is_over(house: House) -> None:
    await house.bury()
    await house.look()
    house.watch = house.new_watch()
    assert await house.look(5) == ["dead_letters"]
    house.watch = house.new_watch()
    await house.settle()
    assert await house.look(5) == ["dead_letters"]
    assert await house.look(60) == []
    assert await house.bells() == [("opened", TITLE), ("ended", TITLE)]


async def test_what_cannot_be_stored_is_in_the_log_at_once_and_told_later(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.look()
    house.settings.journal_path.unlink()
    await house.look()
    with contextlib.closing(
        sqlite3.connect(house.settings.database_path, isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await house.look(10) == []
    said = "trouble: Webhooks are refused: the journal: its file is gone"
    assert caplog.text.count(said) == 1
    assert "a trouble waits to be told: " in caplog.text
    assert await house.look(5) == ["refusing"]
    assert caplog.text.count(said) == 1
    assert await house.bells() == [("opened", "Webhooks are refused")]


async def test_a_channel_that_gave_up_is_a_trouble_until_something_reaches_the_receiver(
    house: House,
) -> None:
    async def add(key: str) -> int:
        row = NewDelivery(
            key=key, channel="email", receiver="ada@acme.example", incident_id=None, news=b"{}"
        )
        async with house.database.write() as tx:
            await outbox.add(tx, [row], house.clock.micros())
            (newest,) = await outbox.newest(tx, DeliveryFilter(), 1)
        return newest.id

    first = await add("a")
    async with house.database.write() as tx:
        await outbox.mark_failed(tx, [first], "no such user")
    assert await house.look() == ["email"]
    (trouble,) = house.watch.open
    assert trouble.text == "ada@acme.example: no such user"
    second = await add("b")
    async with house.database.write() as tx:
        await outbox.mark_sent(tx, [second], house.clock.micros())
    assert await house.look(5) == ["email"]
    assert await house.look(60) == []


async def test_a_message_that_is_tried_for_ten_minutes_is_a_trouble_and_forgotten_after_two_days(
    house: House,
) -> None:
    row = NewDelivery(key="a", channel="slack", receiver="#a", incident_id=None, news=b"{}")
    start = house.clock.micros()
    async with house.database.write() as tx:
        await outbox.add(tx, [row], start)
        await outbox.claim(tx, [1], start, start + 1)
        await outbox.mark_for_retry(tx, [1], "HTTP 500", start)
    assert await house.look(LATE_MAIL_US / 1e6 - 1) == []
    assert await house.look(1) == ["slack"]
    assert await house.look((FORGOTTEN_US - LATE_MAIL_US) / 1e6 - 1) == ["slack"]
    assert await house.look(1) == ["slack"]
    assert await house.look(60) == []


async def test_a_disk_that_fills_is_told_at_85_and_at_90_percent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"share": 0.16}
    monkeypatch.setattr("server.troubles.signs.share_free", lambda _: free["share"])
    assert await house.look() == []
    free["share"] = 0.14
    assert await house.look(5) == ["disk_85"]
    free["share"] = 0.08
    assert await house.look(5) == ["disk_85", "disk_90"]
    assert "8% of the disk" in house.watch.open[1].text
    free["share"] = 0.2
    await house.look(5)
    assert await house.look(60) == []


async def test_a_backup_that_failed_is_a_trouble_until_one_is_made(house: House) -> None:
    house.nightly.failure = "another backup is running"
    assert await house.look() == ["backup"]
    house.nightly.failure = None
    await house.look(5)
    assert await house.look(60) == []
