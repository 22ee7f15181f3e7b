"""What people press in Slack is done: by the requests that Slack signs, and by its WebSocket."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.slack import (
    APP_TOKEN,
    SIGNING_SECRET,
    FakeSlack,
    buttons_of,
    interaction,
    signed,
    text_of,
    too_many,
)
from tests.processes import ServerProcess, running_server
from tests.whole.test_notifications import as_bot, ask, fail

LABELS = ["Acknowledge", "Resolve", "Snooze 1 h"]
ABOUT_THE_SUSPECT = ["Right commit", "Wrong commit"]
COMMIT = "a1b2c3d4e5f6a7b8c9d0"


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def server(slack: FakeSlack, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    env = as_bot(slack, SLACK_SIGNING_SECRET=SIGNING_SECRET)
    async with running_server(tmp_path, env=env) as process:
        yield process


async def post(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    payload: dict[str, Any],
    secret: str = SIGNING_SECRET,
) -> tuple[int, str]:
    """What the server answers to this interaction."""
    body, headers = signed(payload, secret)
    url = f"{server.url}/api/slack/interactions"
    async with http.post(url, data=body, headers=headers) as response:
        return response.status, await response.text()


async def opened(http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack) -> str:
    """Open an incident, and return the `ts` of its message."""
    await fail(http, server, "shop")
    (message,) = await slack.wait_for(1)
    assert labels_of(message) == LABELS
    ts: str = message["ts"]
    return ts


def labels_of(message: dict[str, Any]) -> list[str]:
    return [each["text"]["text"] for each in buttons_of(message)]


async def fail_after_a_deploy(http: aiohttp.ClientSession, server: ServerProcess) -> None:
    """An error in a function that a commit of the last deploy changed."""
    now = datetime.now(UTC)
    commit = {"id": COMMIT, "files": ["shop/cart.py"], "functions": ["add"], "author": "Ada"}
    body = {
        "source": "curl",
        "service": "shop",
        "environment": "production",
        "timestamp": now.isoformat(),
        "severity": "error",
        "exception_type": "OutOfStock",
        "message": "no more teapots",
        "stacktrace": [{"file": "shop/cart.py", "function": "add", "in_app": True}],
        "change_window": {
            "deploy_time": (now - timedelta(minutes=5)).isoformat(),
            "commits": [commit],
        },
    }
    async with http.post(f"{server.url}/api/webhooks/incidents", json=body) as response:
        assert response.status == 202, await response.text()


async def only_incident(http: aiohttp.ClientSession, server: ServerProcess) -> dict[str, Any]:
    """The one incident, as the API shows it."""
    (found,) = (await ask(http, server, "/api/incidents"))["incidents"]
    incident: dict[str, Any] = await ask(http, server, f"/api/incidents/{found['incident_id']}")
    return incident


async def test_who_acknowledges_by_the_button_is_shown_in_the_message_and_on_the_page(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    ts = await opened(http, server, slack)
    assert await post(http, server, slack.press("Acknowledge", ts)) == (200, "")
    await slack.wait_until_shown("open, acknowledged by ada (Slack)")
    (message,) = slack.roots()
    assert labels_of(message) == LABELS[1:]
    incident = await only_incident(http, server)
    assert incident["acknowledged_by"] == "ada (Slack)"
    assert incident["changes"][-1]["about"] == "By ada (Slack)."
    assert slack.whispers == []


async def test_the_second_who_acknowledges_hears_who_was_first(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    ts = await opened(http, server, slack)
    press = slack.press("Acknowledge", ts)
    await post(http, server, press)
    # Slack sends again what it got no answer to.
    assert (await post(http, server, press))[0] == 200
    other = press | {"user": {"id": "U0BOB", "name": "bob"}}
    assert (await post(http, server, other))[0] == 200
    await slack.wait_until(lambda: slack.whispers)
    (whisper,) = slack.whispers
    assert whisper["text"] == "ada (Slack) acknowledged it already."
    assert (whisper["response_type"], whisper["replace_original"]) == ("ephemeral", False)


async def test_resolve_ends_the_incident_and_takes_the_buttons_away(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    ts = await opened(http, server, slack)
    press = slack.press("Resolve", ts)
    assert (await post(http, server, press))[0] == 200
    await slack.wait_until_shown("ended: resolved by ada (Slack)")
    (message,) = slack.roots()
    assert buttons_of(message) == []
    await slack.wait_for(2)
    (reply,) = slack.replies(ts)
    assert reply["text"].startswith("*Ended*: resolved by ada (Slack)")
    await post(http, server, press)
    await slack.wait_until(lambda: slack.whispers)
    assert slack.whispers[0]["text"] == "This incident has ended already."


async def test_snooze_silences_for_an_hour(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    ts = await opened(http, server, slack)
    assert (await post(http, server, slack.press("Snooze 1 h", ts)))[0] == 200
    await slack.wait_until_shown("ended: ")
    (silence,) = (await ask(http, server, "/api/silences"))["silences"]
    assert silence["by"] == "ada (Slack)"
    assert silence["until"] is not None


async def test_a_press_on_an_incident_that_is_gone_is_answered(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    url = f"{slack.url}/actions/T0/1/secret"
    gone = interaction("resolve", "inc-0000000000000000", "ada", url)
    assert (await post(http, server, gone))[0] == 200
    await slack.wait_until(lambda: slack.whispers)
    assert slack.whispers[0]["text"] == "PushLog does not know this incident any more."


async def test_people_say_whether_the_first_suspect_is_right_and_only_they_see_the_answer(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    await fail_after_a_deploy(http, server)
    (message,) = await slack.wait_for(1)
    assert labels_of(message) == [*LABELS, *ABOUT_THE_SUSPECT]
    ts = message["ts"]
    for label, by in (("Right commit", "ada"), ("Right commit", "bob"), ("Wrong commit", "ada")):
        assert await post(http, server, slack.press(label, ts, by)) == (200, "")
    await slack.wait_until(lambda: len(slack.whispers) == 3)
    assert [each["text"] for each in slack.whispers] == [
        "Noted: a1b2c3d4e5 is the cause.",
        "Noted: a1b2c3d4e5 is the cause.",
        "Noted: a1b2c3d4e5 is not the cause.",
    ]
    assert {each["response_type"] for each in slack.whispers} == {"ephemeral"}
    answers = (await only_incident(http, server))["suspect_answers"]
    assert [(each["commit_id"], each["by"], each["right"]) for each in answers] == [
        (COMMIT, "ada (Slack)", False),
        (COMMIT, "bob (Slack)", True),
    ]


async def test_after_the_end_people_can_still_say_whether_the_suspect_is_right(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    await fail_after_a_deploy(http, server)
    (message,) = await slack.wait_for(1)
    ts = message["ts"]
    await post(http, server, slack.press("Resolve", ts))
    await slack.wait_until_shown("ended: resolved by ada (Slack)")
    (message,) = slack.roots()
    assert labels_of(message) == ABOUT_THE_SUSPECT
    await post(http, server, slack.press("Wrong commit", ts))
    await slack.wait_until(lambda: slack.whispers)
    assert slack.whispers[0]["text"] == "Noted: a1b2c3d4e5 is not the cause."
    incident = await only_incident(http, server)
    assert [each["right"] for each in incident["suspect_answers"]] == [False]


async def test_an_answer_about_what_was_never_suspected_or_is_gone_is_refused_with_the_reason(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    await fail_after_a_deploy(http, server)
    (message,) = await slack.wait_for(1)
    press = slack.press("Right commit", message["ts"])
    incident_id = (await only_incident(http, server))["incident_id"]
    for value in (f"{incident_id} <b>", incident_id, f"inc-0000000000000000 {COMMIT}"):
        press["actions"][0]["value"] = value
        assert (await post(http, server, press))[0] == 200
    await slack.wait_until(lambda: len(slack.whispers) == 3)
    assert [each["text"] for each in slack.whispers] == [
        "PushLog never suspected &lt;b&gt; here.",
        "PushLog never suspected this commit here.",
        "PushLog does not know this incident any more.",
    ]


async def test_nobody_else_can_press(
    http: aiohttp.ClientSession, server: ServerProcess, slack: FakeSlack
) -> None:
    ts = await opened(http, server, slack)
    status, said = await post(http, server, slack.press("Resolve", ts), secret="guessed")
    assert status == 401
    assert "SLACK_SIGNING_SECRET must be the Signing Secret" in said
    assert (await only_incident(http, server))["ended_at"] is None


async def test_without_a_signing_secret_there_are_no_buttons_and_nothing_is_taken(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env=as_bot(slack)) as server:
        await fail(http, server, "shop")
        (message,) = await slack.wait_for(1)
        assert buttons_of(message) == []
        status, said = await post(http, server, interaction("resolve", "inc-1", "ada"))
        assert status == 404
        assert "SLACK_SIGNING_SECRET is not set" in said


async def test_where_slack_cannot_reach_the_server_presses_come_over_a_websocket(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    env = as_bot(slack, SLACK_APP_TOKEN=APP_TOKEN)
    async with running_server(tmp_path, env=env) as server:
        await server.log.wait_for(r"slack: connected \(Socket Mode\)")
        ts = await opened(http, server, slack)
        await slack.envelope("e-1", slack.press("Acknowledge", ts))
        await slack.wait_until_shown("acknowledged by ada (Slack)")
        # Slack renews its connections every few hours.
        await slack.sockets[0].send_json({"type": "disconnect", "reason": "refresh_requested"})
        await slack.wait_until(lambda: len(slack.sockets) == 2)
        await slack.envelope("e-2", slack.press("Resolve", ts))
        await slack.wait_until_shown("ended: resolved by ada (Slack)")
        await slack.wait_until(lambda: len(slack.acknowledged) == 2)
        assert slack.acknowledged == ["e-1", "e-2"]
        # What is no press of ours is acknowledged, or Slack would warn whoever pressed.
        await slack.envelope("e-3", {"type": "shortcut", "user": {"id": "U0ADA"}})
        await slack.envelope("e-4", {"type": 7})
        await slack.sockets[-1].send_str("{")
        await slack.wait_until(lambda: len(slack.acknowledged) == 4)
        # One line for the first connection, and none for its renewal.
        assert len(server.log.matching(r"slack: connected")) == 1
        assert APP_TOKEN not in server.log.text()
        assert await server.interrupt() == 0


async def test_a_token_that_slack_does_not_know_is_named_once(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    env = as_bot(slack, SLACK_APP_TOKEN="xapp-another")
    async with running_server(tmp_path, env=env) as server:
        line = r"slack: buttons do not work now: .*Slack does not know SLACK_APP_TOKEN"
        await server.log.wait_for(line)
        await slack.wait_for_calls(3)
        assert len(server.log.matching(line)) == 1


async def test_a_connection_that_is_refused_for_now_is_opened_later(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    slack.answers = [too_many(1)]
    async with running_server(tmp_path, env=as_bot(slack, SLACK_APP_TOKEN=APP_TOKEN)) as server:
        await server.log.wait_for(r"slack: buttons do not work now: Slack answered ratelimited")
        await server.log.wait_for(r"slack: connected \(Socket Mode\)")


async def test_services_and_deploys_have_channels_of_their_own(
    http: aiohttp.ClientSession, slack: FakeSlack, tmp_path: Path
) -> None:
    env = as_bot(slack, SLACK_SERVICE_CHANNELS="shop=#shop", SLACK_DEPLOYS_CHANNEL="#deploys")
    async with running_server(tmp_path, env=env) as server:
        await fail(http, server, "shop")
        await fail(http, server, "other")
        await slack.wait_for(2)
        where = {each["channel"]: text_of(each) for each in slack.roots()}
        assert "&lt;shop&gt;" in where["#shop"]
        assert "&lt;other&gt;" in where["#alerts"]
