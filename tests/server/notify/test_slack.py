"""Slack: one message for an incident, edited as it changes; refusals understood."""

from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web
from msgspec import structs

from server.notify.channel import Channel, DeliveryFailed, Letter
from server.notify.news import News, SuspectNews, subject_of
from server.notify.news import TestNews as TryNews
from server.notify.recipients import direct_message_to
from server.notify.slack.channel import open_slack
from server.settings.settings import Slack
from server.storage.main.slack_messages import SlackMessage
from tests.builders import START, frame
from tests.fakes.slack import FakeSlack, not_ok, text_of, too_many
from tests.server.notify.news import (
    ended,
    escalated,
    incident,
    opened,
    push_news,
    suspect_reverted,
    trouble_news,
    verdict_news,
)

PUBLIC_URL = "https://pushlog.example"


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


class Bot:
    """The bot's channel, and what stands at Slack by what it returned."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.standing: dict[str, SlackMessage] = {}

    async def send(self, letters: Sequence[Letter]) -> None:
        known = [
            structs.replace(each, standing=self.standing.get(subject_of(each.news) or ""))
            for each in letters
        ]
        self.standing |= {each.subject: each for each in await self.channel.send(known)}


@pytest.fixture
async def bot(slack: FakeSlack) -> AsyncIterator[Bot]:
    settings = Slack(
        webhook_url=None, bot_token=slack.token, channel="#alerts", api_url=slack.api_url
    )
    async with open_slack(settings, PUBLIC_URL) as channel:
        yield Bot(channel)


@pytest.fixture
async def webhook(slack: FakeSlack) -> AsyncIterator[Channel]:
    settings = Slack(webhook_url=slack.webhook_url, bot_token=None, channel=None)
    async with open_slack(settings, PUBLIC_URL) as channel:
        yield channel


def letter(news: News, key: str = "a/key") -> Letter:
    return Letter(key=key, receiver="#alerts", incident_id=None, news=news)


async def test_an_incident_is_one_message_that_is_edited_with_what_changed_in_its_thread(
    bot: Bot, slack: FakeSlack
) -> None:
    await bot.send([letter(opened())])
    (root,) = slack.roots()
    assert root["channel"] == "#alerts"
    shown = text_of(root)
    for part in (
        "ValueError: price is negative",
        "*Error message*\n```price is negative```",
        "never been seen before in production",
        "total (shop/cart.py:12)",
        "a1b2c3d4 Round prices, Ada (80%): changes total in shop/cart.py",
        "Open in PushLog · Open in Sentry",
    ):
        assert part in shown
    assert "https://pushlog.example/incidents/inc-0000000000000001" in str(root)
    assert "opened: ValueError" in root["text"]
    await bot.send([letter(escalated())])
    await bot.send([letter(ended())])
    (root,) = slack.roots()
    assert "ended: the rate is back at its usual" in text_of(root)
    worse, over = slack.replies(root["ts"])
    assert worse["text"] == "*Got worse*: now critical, after 1,234 events."
    assert (worse["reply_broadcast"], over["reply_broadcast"]) == (True, False)
    assert over["text"].startswith("*Ended*")


async def test_what_is_delivered_twice_is_no_second_message(bot: Bot, slack: FakeSlack) -> None:
    await bot.send([letter(opened())])
    await bot.send([letter(opened())])
    assert len(slack.messages) == 1
    await bot.send([letter(ended())])
    await bot.send([letter(opened())])
    assert "ended" in slack.roots()[0]["text"]


async def test_a_message_that_somebody_deleted_is_posted_anew(bot: Bot, slack: FakeSlack) -> None:
    await bot.send([letter(opened())])
    slack.messages.clear()
    await bot.send([letter(escalated())])
    (root,) = slack.roots()
    assert "got worse" in root["text"]


async def test_a_push_is_one_message_and_the_verdict_is_written_into_it(
    bot: Bot, slack: FakeSlack
) -> None:
    await bot.send([letter(push_news(services=["shop", "web"]))])
    (root,) = slack.roots()
    shown = text_of(root)
    assert "Push of 1 commit to main by ada" in shown
    assert "acme/shop, branch main" in shown
    assert "a1b2c3d4 Round prices half up (Ada)" in shown
    assert "Deploys shop, web to production" in shown
    assert "https://github.com/acme/shop/compare/0000...a1b2" in str(root)
    await bot.send([letter(verdict_news(verdict="clean", reasons=[]))])
    assert len(slack.messages) == 1
    await bot.send([letter(verdict_news(service="web"))])
    (root,) = slack.roots()
    assert "*shop in production*: ✅ clean" in text_of(root)
    assert "*web in production*: 🔴 faulty: 2 issues that were never seen" in text_of(root)
    (reply,) = slack.replies(root["ts"])
    assert reply["reply_broadcast"] is True


async def test_a_trouble_is_one_message_that_says_when_it_is_over(
    bot: Bot, slack: FakeSlack
) -> None:
    await bot.send([letter(trouble_news())])
    (root,) = slack.roots()
    for part in (
        "PushLog: Mails are not delivered",
        "no &lt;such&gt; user",
        "*What to do*\nCorrect the address.",
        "Since ",
        "https://pushlog.example/troubles",
    ):
        assert part in text_of(root) + str(root["blocks"]), part
    await bot.send([letter(trouble_news(over=True), "a/later/key")])
    (root,) = slack.roots()
    assert "✅ PushLog: Mails are not delivered" in text_of(root)
    assert "Over after 1 h" in text_of(root)
    (reply,) = slack.replies(root["ts"])
    assert "Over" in reply["text"]
    # A repeat of what came before changes nothing.
    await bot.send([letter(trouble_news())])
    assert "Over after 1 h" in text_of(slack.roots()[0])


async def test_a_clean_deploy_without_a_message_is_no_news_and_a_faulty_one_is(
    bot: Bot, slack: FakeSlack
) -> None:
    await bot.send([letter(verdict_news(verdict="clean"))])
    assert slack.messages == {}
    await bot.send([letter(verdict_news())])
    assert len(slack.messages) == 1


async def test_what_was_held_back_is_one_message_and_those_that_stand_are_edited(
    bot: Bot, slack: FakeSlack
) -> None:
    await bot.send([letter(opened(1))])
    await bot.send([letter(ended(1)), *[letter(opened(each), f"k{each}") for each in range(2, 42)]])
    root, digest = slack.roots()
    assert "ended" in root["text"]
    assert digest["text"].startswith("41 notifications")
    assert str(digest["blocks"]).count("/incidents/inc-") == 41


async def test_a_webhook_gets_a_message_for_each_change(webhook: Channel, slack: FakeSlack) -> None:
    for news in (opened(), escalated(), ended()):
        await webhook.send([letter(news)])
    assert [root["text"].split(":")[0] for root in slack.roots()] == [
        "opened",
        "got worse",
        "ended",
    ]
    assert "channel" not in slack.roots()[0]


@pytest.mark.parametrize(
    ("answer", "permanent", "retry_after_s", "kind", "reason"),
    [
        (too_many(17), False, 17.0, "limit", "too many messages"),
        (not_ok("ratelimited"), False, None, "limit", "too many messages"),
        (not_ok("invalid_auth"), False, None, "settings", "Slack does not know SLACK_BOT_TOKEN"),
        (not_ok("token_revoked"), False, None, "settings", "create a new one"),
        (not_ok("channel_not_found"), False, None, "settings", "SLACK_CHANNEL"),
        (not_ok("invalid_blocks"), True, None, "message", "does not accept the message"),
        (not_ok("msg_too_long"), True, None, "message", "too long"),
        (not_ok("not_in_channel"), False, None, "settings", "invite it"),
        (not_ok("fatal_error"), False, None, "connection", "Slack has a problem"),
        (not_ok("something_new"), False, None, "settings", "something_new"),
        (web.Response(status=503, text="upstream"), False, None, "connection", "HTTP 503"),
        (web.Response(status=413), True, None, "message", "HTTP 413"),
        (web.Response(status=404), False, None, "settings", "HTTP 404"),
        (web.Response(status=302, headers={"Location": "/"}), False, None, "settings", "HTTP 302"),
        (web.Response(text="<html>hotel wifi"), False, None, "settings", "is not Slack"),
    ],
)
async def test_each_refusal_of_the_api_is_understood(
    bot: Bot,
    slack: FakeSlack,
    answer: web.Response,
    permanent: bool,
    retry_after_s: float | None,
    kind: str,
    reason: str,
) -> None:
    slack.answers = [answer]
    with pytest.raises(DeliveryFailed, match=reason) as failure:
        await bot.send([letter(TryNews(START))])
    assert failure.value.permanent is permanent
    assert failure.value.kind == kind
    assert failure.value.retry_after_s == retry_after_s


@pytest.mark.parametrize(
    ("status", "text", "permanent"),
    [
        (404, "no_service", False),
        (410, "channel_is_archived", False),
        (403, "action_prohibited", False),
        (400, "invalid_payload", True),
        (500, "oops", False),
    ],
)
async def test_each_refusal_of_a_webhook_is_understood(
    webhook: Channel, slack: FakeSlack, status: int, text: str, permanent: bool
) -> None:
    slack.answers = [web.Response(status=status, text=text)]
    with pytest.raises(DeliveryFailed, match=text) as failure:
        await webhook.send([letter(TryNews(START))])
    assert failure.value.permanent is permanent
    assert "secret" not in str(failure.value)


async def test_a_slack_that_is_not_there_is_said_without_the_secret_address() -> None:
    for url, reason in (
        ("http://127.0.0.1:1/services/secret", "cannot connect to 127.0.0.1, port 1"),
        ("http://nowhere.invalid/services/secret", "cannot be looked up"),
    ):
        settings = Slack(webhook_url=url, bot_token=None, channel=None)
        async with open_slack(settings, PUBLIC_URL) as channel:
            with pytest.raises(DeliveryFailed, match=reason) as failure:
                await channel.send([letter(TryNews(START))])
        assert not failure.value.permanent
        assert "secret" not in str(failure.value)


async def test_the_author_of_a_suspect_commit_gets_a_direct_message(
    bot: Bot, slack: FakeSlack
) -> None:
    summary = incident(recommended_first_actions=["Roll back"])
    news = SuspectNews(incident=summary, suspect=summary.suspected_causes[0])
    told = structs.replace(letter(news), receiver=direct_message_to("ada@acme.example"))
    await bot.send([told])
    await bot.send([structs.replace(told, key="another")])
    first, second = slack.roots()
    assert first["channel"] == second["channel"] == "U0ADA"
    shown = text_of(first)
    assert "a1b2c3d4 Round prices, Ada (80%): changes total in shop/cart.py" in shown
    assert "*What to check*" in shown
    # Slack is asked for a person once.
    assert slack.calls.count("users.lookupByEmail") == 1


async def test_somebody_whom_slack_does_not_know_is_given_up_with_what_to_do(bot: Bot) -> None:
    summary = incident()
    news = SuspectNews(incident=summary, suspect=summary.suspected_causes[0])
    told = structs.replace(letter(news), receiver=direct_message_to("eve@acme.example"))
    with pytest.raises(DeliveryFailed, match="choose mail in Settings") as failed:
        await bot.send([told])
    assert failed.value.permanent


async def test_secrets_in_an_event_never_reach_slack(
    bot: Bot, webhook: Channel, slack: FakeSlack
) -> None:
    secret = "hunter2hunter2"
    news = opened(
        title=f"Login failed: password={secret}",
        message=f"Authorization: Bearer {secret}",
        request_url=f"https://ada:{secret}@shop.example/pay?token={secret}#{secret}",
        stacktrace=[frame(function=f"login(token={secret})")],
    )
    for channel in (bot, webhook):
        await channel.send([letter(news)])
        await channel.send([letter(news, "a/1"), letter(ended(title=f"token={secret}"), "a/2")])
    assert len(slack.messages) >= 4
    sent = str(slack.messages)
    assert "Login failed" in sent
    assert secret not in sent


async def test_each_edit_beside_a_message_is_counted_as_a_call(bot: Bot, slack: FakeSlack) -> None:
    await bot.send([letter(opened())])
    free, called = bot.channel.meter.free(), len(slack.calls)
    await bot.send([letter(ended()), letter(TryNews(START), "a/2")])
    assert slack.calls[called:] == ["chat.update", "chat.postMessage"]
    # The message itself is counted by who sends it.
    assert bot.channel.meter.free() == free - 1


async def test_by_a_webhook_a_reverted_suspect_is_a_message_that_says_whether_it_is_over(
    webhook: Channel, slack: FakeSlack
) -> None:
    over = structs.replace(suspect_reverted(), ended_at=START, end_reason="it is quiet")
    for news in (suspect_reverted(), over):
        await webhook.send([letter(news)])
    running, ended_before = (text_of(each) for each in slack.messages.values())
    assert running.startswith("🟠 ValueError")
    assert ended_before.startswith("✅ ValueError")
    assert "ended: it is quiet" in ended_before
    for shown in (running, ended_before):
        assert "*Suspect reverted*: Deploy e5f6a7b8 brings e5f6a7b8 by Bob" in shown


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1)])
async def test_a_reverted_suspect_changes_no_state_that_a_message_shows(
    bot: Bot, slack: FakeSlack, order: tuple[int, ...]
) -> None:
    news = [escalated(), suspect_reverted(), ended()]
    await bot.send([letter(opened())])
    for number in order:
        await bot.send([letter(news[number])])
    (root,) = slack.roots()
    assert "ended: the rate is back at its usual" in text_of(root)
    assert "Suspect reverted" not in text_of(root)
    assert len(slack.replies(root["ts"])) == 3
