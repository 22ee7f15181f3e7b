"""From an event that the engine dies of to everybody who must hear that PushLog needs help."""

from pathlib import Path

from aiohttp import ClientSession
from playwright.async_api import Browser, expect

from server.troubles.kinds import KINDS
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.processes import running_server
from tests.scripts.test_dead_letters import POISONED, send_poison
from tests.signed_in import AS_OPERATOR
from tests.whole.conftest import needs_chromium
from tests.whole.test_browser import live, visitor
from tests.whole.test_mail import arrived, settings
from tests.whole.test_notifications import as_bot

TITLE = KINDS["dead_letters"].title


@needs_chromium
async def test_a_trouble_reaches_the_admin_by_mail_slack_bell_and_every_page(
    tmp_path: Path, browser: Browser
) -> None:
    async with FakeSmtp() as smtp, FakeSlack() as slack:
        env = settings(smtp) | as_bot(slack) | {"INCIDENT_ENGINE_BIN": POISONED}
        async with (
            running_server(tmp_path, env=env) as server,
            ClientSession(headers=AS_OPERATOR) as http,
            visitor(browser) as context,
        ):
            wishes = {"email": "ada@example.com", "email_incidents": True}
            async with http.put(f"{server.url}/api/settings/notifications", json=wishes) as put:
                assert put.status == 200
            page = await context.new_page()
            await page.goto(f"{server.url}/deploys")
            await live(page)
            await send_poison(server)
            await server.log.wait_for(f"trouble: {TITLE}: 1 dead letter waits")
            mail = await arrived(smtp, TITLE)
            assert (mail["To"], mail["Subject"]) == ("ada@example.com", f"[PushLog] {TITLE}")
            await slack.wait_until_shown(f"PushLog: {TITLE}")
            await expect(page.locator("#toasts")).to_contain_text("PushLog needs help")
            await expect(page.locator("#notices")).to_contain_text(f"{TITLE}: 1 dead letter waits")
            await page.locator("#toasts a").click()
            await expect(page.locator("main")).to_contain_text(KINDS["dead_letters"].advice)
            await expect(page.locator("#unread")).to_be_hidden()
