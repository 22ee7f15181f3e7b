"""`scripts/test-slack` sends a message, or says exactly what went wrong."""

import asyncio
from pathlib import Path

import pytest

from tests.fakes.slack import FakeSlack, text_of
from tests.processes import ROOT, clean_environment
from tests.waiting import LIMIT_S


async def run(home: Path, **env: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        ROOT / "scripts/test-slack",
        cwd=ROOT,
        env=clean_environment(home) | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    return process.returncode, output.decode()


async def test_it_sends_a_message_by_either_way(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        by_bot = {"SLACK_API_URL": slack.api_url, "SLACK_CHANNEL": "#alerts"}
        code, output = await run(tmp_path, SLACK_BOT_TOKEN=slack.token, **by_bot)
        assert (code, "Sent" in output) == (0, True), output
        code, output = await run(tmp_path, SLACK_WEBHOOK_URL=slack.webhook_url)
        assert (code, "Sent" in output) == (0, True), output
        assert ["This is a test" in text_of(each) for each in slack.roots()] == [True, True]


async def test_it_sends_a_message_to_each_channel_and_says_which_one_fails(tmp_path: Path) -> None:
    async with FakeSlack() as slack:
        code, output = await run(
            tmp_path,
            SLACK_API_URL=slack.api_url,
            SLACK_BOT_TOKEN=slack.token,
            SLACK_CHANNEL="#alerts",
            SLACK_SERVICE_CHANNELS="shop=#shop, web=#nowhere",
        )
        assert code == 1
        assert [each["channel"] for each in slack.roots()] == ["#alerts", "#shop"]
        _, _, failed = output.partition("Posting to Slack as a bot to #nowhere.")
        assert "channel_not_found" in output
        assert failed


@pytest.mark.parametrize(
    ("env", "code", "reason"),
    [
        ({}, 2, "Neither SLACK_WEBHOOK_URL nor SLACK_BOT_TOKEN is set"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, 2, "SLACK_CHANNEL: must name the channel"),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "#alerts"},
            1,
            "Slack answered invalid_auth: Slack does not know SLACK_BOT_TOKEN",
        ),
        ({"SLACK_WEBHOOK_URL": "http://127.0.0.1:1/x"}, 1, "cannot connect to 127.0.0.1, port 1"),
        ({"SLACK_WEBHOOK_URL": "http://nowhere.invalid/x"}, 1, "cannot be looked up (DNS)"),
    ],
)
async def test_it_says_what_went_wrong(
    tmp_path: Path, env: dict[str, str], code: int, reason: str
) -> None:
    async with FakeSlack() as slack:
        ended, output = await run(tmp_path, SLACK_API_URL=slack.api_url, **env)
    assert ended == code
    assert reason in output
    assert "Traceback" not in output
