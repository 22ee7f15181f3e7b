"""Routes, with the whole server: made in a browser, tried out there, and obeyed."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.fakes.slack import FakeSlack, text_of
from tests.processes import ServerProcess, running_server
from tests.whole.conftest import needs_chromium
from tests.whole.test_browser import event, opened, send, visitor
from tests.whole.test_notifications import as_bot

pytestmark = needs_chromium


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def server(slack: FakeSlack, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with running_server(tmp_path, env=as_bot(slack)) as process:
        yield process


async def test_what_a_route_lets_wait_is_told_in_its_channel_after_so_many_users(
    server: ServerProcess, slack: FakeSlack, browser: Browser
) -> None:
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/settings/routes")
        new = page.locator("#new")
        await new.get_by_label("Path in the stack trace").fill("shop/")
        await new.get_by_label("When").select_option("after_users")
        await new.get_by_label("Number of events or users").fill("3")
        await new.get_by_label("Where").select_option("only")
        await new.get_by_label("Another channel of Slack").fill("#shop")
        await new.get_by_role("button", name="Add").click()
        await expect(page.locator("#routes")).to_contain_text("When: after 3 users")
        await send(server, event(1, user_id="1"))
        await send(server, event(2, stacktrace=[{"file": "web/page.py", "in_app": True}]))
        await opened(server, 2)
        (usual,) = await slack.wait_for(1)
        assert usual["channel"] == "#alerts"
        assert "price 2" in text_of(usual)
        await send(server, event(1, user_id="1"), event(1, user_id="2"), event(1, user_id="3"))
        _, routed = await slack.wait_for(2)
        assert routed["channel"] == "#shop"
        assert "price 1" in text_of(routed)
        await page.goto(f"{server.url}/incidents")
        await page.get_by_role("link", name="price 1 is negative").first.click()
        await page.get_by_role("link", name="Who would hear of this?").click()
        await expect(page.locator("#who")).to_contain_text("after 3 users")
        await expect(page.locator("#who")).to_contain_text("Slack: #shop")
        if folder := os.environ.get("PUSHLOG_SHOTS"):
            await page.screenshot(path=f"{folder}/routes.png", full_page=True)
