"""Apprise: short messages by its library, and failures with a reason that has no secret in it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from server.notify.apprise.channel import apprise_receiver, open_apprise
from server.notify.apprise.reasons import reason_of
from server.notify.apprise.text import text_of
from server.notify.channel import DeliveryFailed, Letter
from server.notify.news import CrashNews, News
from server.notify.news import TestNews as TryNews
from tests.builders import START
from tests.fakes.apprise import Sink
from tests.server.notify.news import (
    ended,
    escalated,
    opened,
    push_news,
    trouble_news,
    verdict_news,
)
from tests.waiting import LIMIT_S, limit

PUBLIC_URL = "https://pushlog.example"


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as server:
        yield server


def letter(news: News, address: str, key: str = "a/key") -> Letter:
    return Letter(key=key, receiver=apprise_receiver(address), incident_id=None, news=news)


async def failure(address: str, timeout_s: float = LIMIT_S) -> DeliveryFailed:
    async with open_apprise([address], PUBLIC_URL, timeout_s=timeout_s) as channel:
        with pytest.raises(DeliveryFailed) as failed:
            await channel.send([letter(opened(), address)])
    assert "s3cret" not in str(failed.value)
    assert not failed.value.permanent
    return failed.value


async def test_an_incident_is_a_short_message_with_a_link(sink: Sink) -> None:
    async with open_apprise([sink.address], PUBLIC_URL) as channel:
        await channel.send([letter(opened(), sink.address)])
    (message,) = sink.messages
    assert message["title"] == "error opened in shop/production: ValueError: price is negative"
    assert message["message"].splitlines() == [
        "This error has never been seen before in production.",
        "Suspect: a1b2c3d4 Round prices by Ada (80%): changes total in shop/cart.py",
        f"{PUBLIC_URL}/incidents/inc-0000000000000001",
    ]
    assert message["type"] == "failure"


async def test_several_letters_are_one_message(sink: Sink) -> None:
    letters = [letter(opened(number), sink.address, f"k{number}") for number in range(3)]
    async with open_apprise([sink.address], PUBLIC_URL) as channel:
        await channel.send(letters)
    (message,) = sink.messages
    assert message["title"] == "PushLog: 3 notifications at once"
    assert len(message["message"].splitlines()) == 4


@pytest.mark.parametrize("status", [401, 500])
async def test_a_service_that_refuses_is_tried_again_and_the_reason_has_no_secret(
    sink: Sink, status: int
) -> None:
    sink.statuses = [status]
    failed = await failure(sink.address)
    assert f"error={status}" in str(failed)


async def test_a_service_that_is_not_there_is_tried_again() -> None:
    async with Sink() as sink:
        address = sink.address
    assert "Connection error" in str(await failure(address))


async def test_a_service_that_hangs_delays_its_own_message_only(sink: Sink) -> None:
    sink.hangs = True
    failed = await failure(sink.address, timeout_s=0.0)
    assert "did not deliver it within" in str(failed)


async def test_a_slow_service_does_not_keep_the_loop(sink: Sink) -> None:
    sink.hangs = True
    async with limit(), open_apprise([sink.address], PUBLIC_URL) as channel:
        sending = asyncio.create_task(channel.send([letter(opened(), sink.address)]))
        await sink.called.wait()
        assert not sending.done()
        sink.release()
        await sending
    assert len(sink.messages) == 1


async def test_what_two_targets_say_at_once_is_not_mixed_up(sink: Sink) -> None:
    gone = "json://127.0.0.1:1/s3cret"
    sink.statuses = [500]
    async with open_apprise([sink.address, gone], PUBLIC_URL) as channel:
        refused, lost = await asyncio.gather(
            *(channel.send([letter(opened(), each)]) for each in (sink.address, gone)),
            return_exceptions=True,
        )
    assert "error=500" in str(refused)
    assert "Connection error" not in str(refused)
    assert "Connection error" in str(lost)
    assert "error=500" not in str(lost)


async def test_a_target_that_is_no_longer_set_gets_nothing_and_the_reason_is_kept() -> None:
    async with open_apprise(["json://127.0.0.1:1"], PUBLIC_URL) as channel:
        with pytest.raises(DeliveryFailed, match="APPRISE_URLS no longer has") as failed:
            await channel.send([letter(opened(), "json://127.0.0.1:2")])
    assert failed.value.permanent


@pytest.mark.parametrize(
    "news",
    [
        *(opened(), escalated(), ended(), push_news(), verdict_news()),
        *(trouble_news(), trouble_news(over=True), TryNews(START)),
        CrashNews(at=START, error_type="E", message="m", traceback=""),
        opened(title="x" * 5_000, message="y" * 5_000),
    ],
)
@pytest.mark.parametrize("most", [140, 1_800])
def test_every_piece_of_news_fits_and_keeps_its_link(news: News, most: int) -> None:
    for count in (1, 2, 60):
        letters = [letter(news, "json://h", f"k{number}") for number in range(count)]
        text = text_of(letters, PUBLIC_URL, most)
        assert text.title
        assert PUBLIC_URL in text.body.splitlines()[-1]
        assert len(text.title) <= 120
        if most > 1_000:
            assert len(text.title) + len(text.body) < most


def test_a_digest_says_how_many_more_there_are() -> None:
    letters = [letter(opened(number), "json://h", f"k{number}") for number in range(60)]
    lines = text_of(letters, PUBLIC_URL, 1_800).body.splitlines()
    shown = len(lines) - 2
    assert lines[-2:] == [f"and {60 - shown} more", f"{PUBLIC_URL}/incidents"]


def test_secrets_in_texts_are_masked() -> None:
    text = text_of([letter(opened(title="password=hunter22"), "json://h")], PUBLIC_URL, 1_800)
    assert "hunter22" not in text.title
    assert "password=***" in text.title


def test_a_reason_has_no_part_of_the_address() -> None:
    url = "discord://4174216298/JHMHI8qBe7bk2Zw/?token=a%20b%20secret&x=1"
    said = ["no 4174216298 at JHMHI8QBE7BK2ZW", "", "a b secret: no", "a b secret: no"]
    reason = reason_of(said, url)
    for part in ("4174216298", "JHMHI8", "secret"):
        assert part not in reason
    assert reason.count("no") == 2
    assert reason_of([], url) == "it gave no reason"


def test_the_name_of_a_target_says_its_kind_and_nothing_secret() -> None:
    name = apprise_receiver("TGRAM://123456:s3cret/chat")
    assert name.startswith("tgram#")
    assert "s3cret" not in name


def test_a_server_that_does_not_use_it_does_not_load_it() -> None:
    code = (
        "import sys; import server.app; from server.settings.settings import read_settings; "
        "read_settings({}); print('apprise' in sys.modules, 'requests' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.split() == ["False", "False"]


def test_what_the_library_logs_is_in_no_log_and_in_no_output() -> None:
    code = (
        "import logging; from server.process.apprise_library import send, service_at; "
        "from server.process import log; log.set_up(); "
        "service_at('s3cret://s3cret'); "
        "print(send(service_at('json://127.0.0.1:1/s3cret'), 't', 'b', 'info'), flush=True); "
        "log.flush()"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "Connection error" in found.stdout
    assert "s3cret" not in found.stdout + found.stderr
