"""What people see in a real browser, from a real server with a real engine."""

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.processes import ServerProcess, running_server
from tests.signed_in import AS_OPERATOR, cookie
from tests.waiting import LIMIT_S, limit
from tests.whole.conftest import needs_chromium

TIMEOUT_MS = 1000 * LIMIT_S

pytestmark = needs_chromium

expect.set_options(timeout=TIMEOUT_MS)


@contextlib.asynccontextmanager
async def visitor(browser: Browser, **options: Any) -> AsyncIterator[BrowserContext]:
    """A browser of its own, signed in, in which no page may break a rule or a script."""
    context = await browser.new_context(**options)
    await sign_in(context, port=0)
    context.set_default_timeout(TIMEOUT_MS)
    faults = refused_by_policy(context)
    context.on("weberror", lambda error: faults.append(str(error.error)))
    yield context
    await context.close()
    assert faults == []


def refused_by_policy(context: BrowserContext) -> list[str]:
    """What the pages' policy refuses from now on: the list grows as it comes."""
    refused: list[str] = []
    context.on(
        "console",
        lambda message: (
            refused.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    return refused


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "source": "sentry",
        "service": f"shop-{number}",
        "environment": "production",
        "timestamp": now.isoformat(),
        "severity": "error",
        "exception_type": "ValueError",
        "message": f"price {number} is negative",
        "stacktrace": [
            {"file": "shop/cart.py", "function": "total", "line": 12, "in_app": True},
            {"file": "django/core/base.py", "function": "_respond", "line": 197, "in_app": False},
            {"file": "shop/checkout.py", "function": "pay", "line": 40, "in_app": True},
        ],
        "links": {"source_url": "https://sentry.example/issues/1/"},
        "change_window": {
            "deploy_time": (now - timedelta(minutes=6)).isoformat(),
            "commits": [
                {
                    "id": "a1b2c3d4e5f6",
                    "author": "Ada",
                    "message": "Round prices half up",
                    "files": ["shop/cart.py"],
                    "functions": ["total"],
                }
            ],
        },
    } | changes


async def sign_in(context: BrowserContext, port: int) -> None:
    """Let this browser into the server with this `PORT`."""
    ((name, value),) = cookie(port).items()
    await context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"}])


async def send(server: ServerProcess, *events: dict[str, Any]) -> None:
    async with ClientSession(headers=AS_OPERATOR) as session:
        for each in events:
            response = await session.post(f"{server.url}/api/webhooks/incidents", json=each)
            assert response.status == 202, await response.text()


async def opened(server: ServerProcess, count: int) -> None:
    await server.log.wait_for_count(r"\[incident-engine\] incident inc-", count)


async def live(page: Page) -> None:
    """Wait until the page listens, so that what comes next is told and not merely found."""
    await expect(page.locator("#bell")).to_have_attribute("data-connected", "yes")


async def test_the_first_incident_appears_by_itself_in_list_bell_and_title(
    server: ServerProcess, browser: Browser
) -> None:
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/")
        await expect(page.get_by_text("Waiting for the first event")).to_be_visible()
        await live(page)
        await page.evaluate("window.neverReloaded = true")
        await send(server, event())
        await expect(page.locator("#rows .row-title")).to_have_text(
            "ValueError: price 1 is negative"
        )
        await expect(page.locator("#unread-number")).to_have_text("1")
        await expect(page).to_have_title("(1) Incidents · PushLog")
        toast = page.locator(".toast")
        await expect(toast).to_contain_text("New issue · error, shop-1 / production")
        await expect(toast).to_contain_text("ValueError: price 1 is negative")
        await page.locator("#bell > summary").click()
        await expect(page.locator("#panel .unread")).to_have_count(1)
        assert await page.evaluate("window.neverReloaded") is True
        await page.keyboard.press("Escape")
        await expect(page.locator("#panel")).not_to_be_visible()


async def test_of_an_incident_that_is_over_the_toast_says_that(
    http: ClientSession, server: ServerProcess, browser: Browser
) -> None:
    await send(server, event(issue_id="7"))
    await opened(server, 1)
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/incidents")
        await live(page)
        resolved = {
            "action": "resolved",
            "actor": {"name": "Grace"},
            "data": {"issue": {"id": "7", "title": "ValueError", "status": "resolved"}},
        }
        async with http.post(
            f"{server.url}/api/webhooks/sentry",
            json=resolved,
            headers={"Sentry-Hook-Resource": "issue"},
        ) as response:
            assert response.status == 202, await response.text()
        await expect(page.locator(".toast")).to_contain_text("Ended · shop-1 / production")


async def test_the_page_of_an_incident_shows_trace_link_trigger_and_suspect(
    server: ServerProcess, browser: Browser
) -> None:
    await send(server, event())
    await opened(server, 1)
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/incidents")
        await page.get_by_role("link", name="ValueError: price 1 is negative").first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "ValueError: price 1 is negative"
        )
        await expect(page.get_by_text("never been seen before in production").first).to_be_visible()
        link = page.get_by_role("link", name="Open in Sentry")
        await expect(link).to_have_attribute("href", "https://sentry.example/issues/1/")
        trace = page.locator(".trace")
        await expect(trace.get_by_text("shop/cart.py:12")).to_be_visible()
        library = trace.get_by_text("django/core/base.py:197")
        await expect(library).not_to_be_visible()
        await trace.get_by_text("1 library frame").click()
        await expect(library).to_be_visible()
        suspects = page.locator(".suspects")
        await expect(suspects).to_contain_text("Round prices half up")
        await expect(suspects).to_contain_text("confidence")
        await expect(suspects.locator(".evidence li").first).to_be_visible()


async def test_all_tabs_count_alike_and_share_one_stream(
    server: ServerProcess, browser: Browser
) -> None:
    async with visitor(browser) as context:
        pages = [await context.new_page() for _ in range(8)]
        for page in pages:
            await page.goto(f"{server.url}/incidents")
        for page in pages:
            await live(page)
        await send(server, event(1), event(2))
        for page in pages:
            await expect(page.locator("#unread-number")).to_have_text("2")
        await one_stream(server)
        await pages[3].locator("#bell > summary").click()
        await pages[3].get_by_role("button", name="Mark as read: ").first.click()
        for page in pages:
            await expect(page.locator("#unread-number")).to_have_text("1")
        await pages[3].get_by_role("button", name="Mark all read").click()
        for page in pages:
            await expect(page.locator("#unread")).to_be_hidden()
        # The tab that listened goes; another one takes over, from where it stands.
        await pages[0].close()
        await send(server, event(3))
        for page in pages[1:]:
            await expect(page.locator("#unread-number")).to_have_text("1")
        await one_stream(server)


async def test_times_are_those_of_the_reader_and_in_utc_on_hover_and_without_scripts(
    server: ServerProcess, browser: Browser
) -> None:
    moment = datetime.now(UTC).replace(microsecond=0)
    await send(server, event(timestamp=moment.isoformat()))
    await opened(server, 1)
    utc = f"{moment:%-d %b %Y, %H:%M:%S} UTC"
    in_tokyo = f"{moment + timedelta(hours=9):%-d %b %Y, %H:%M:%S}"
    for scripts, shown in ((True, in_tokyo), (False, utc)):
        async with visitor(
            browser, timezone_id="Asia/Tokyo", java_script_enabled=scripts
        ) as context:
            page = await context.new_page()
            await page.goto(f"{server.url}/incidents")
            await page.locator("#rows .row-link").click()
            began = page.locator(".facts time").first
            await expect(began).to_have_text(shown)
            await expect(began).to_have_attribute("title", utc)


async def test_a_restart_of_the_server_loses_and_doubles_nothing(
    tmp_path: Path, browser: Browser
) -> None:
    async with visitor(browser) as context:
        page = await context.new_page()
        async with running_server(tmp_path) as first:
            await page.goto(f"{first.url}/incidents")
            await live(page)
            await page.evaluate("""() => {
                window.toasts = [];
                new MutationObserver((changes) => {
                    for (const change of changes)
                        for (const node of change.addedNodes)
                            window.toasts.push(node.querySelector("span").textContent);
                }).observe(document.getElementById("toasts"), { childList: true });
            }""")
            await send(first, event(1))
            await expect(page.locator("#unread-number")).to_have_text("1")
            await context.set_offline(True)
            await send(first, event(2))
            await opened(first, 2)
            assert await first.interrupt() == 0
        await expect(page.locator("#bell")).to_have_attribute("data-connected", "no")
        port = first.url.rpartition(":")[2]
        async with running_server(tmp_path, env={"PORT": port}) as second:
            await sign_in(context, int(port))
            await context.set_offline(False)
            await expect(page.locator("#unread-number")).to_have_text("2")
            await expect(page.locator("#rows .row")).to_have_count(2)
            await live(page)
            await send(second, event(3))
            await expect(page.locator("#unread-number")).to_have_text("3")
            shown = await page.evaluate("window.toasts")
            assert shown == [f"ValueError: price {number} is negative" for number in (1, 2, 3)]


async def test_everything_but_what_is_live_works_without_javascript(
    server: ServerProcess, browser: Browser
) -> None:
    await send(server, event(1), event(2))
    await opened(server, 2)
    async with visitor(browser, java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/")
        await expect(page.locator("#rows .row")).to_have_count(2)
        await page.locator("#bell > summary").click()
        await page.get_by_role("button", name="Mark as read: ").first.click()
        await expect(page.locator("#unread-number")).to_have_text("1")
        assert page.url == f"{server.url}/incidents"
        await page.get_by_role("link", name="Notifications", exact=True).click()
        await page.get_by_role("main").get_by_role("button", name="Mark all read").click()
        await expect(page.locator("#unread")).to_be_hidden()
        await page.get_by_role("main").get_by_role("link", name="price 2 is negative").click()
        await expect(page.get_by_role("heading", name="Stack trace")).to_be_visible()
        await page.get_by_text("1 library frame").click()
        await expect(page.get_by_text("django/core/base.py:197")).to_be_visible()


async def test_filters_are_chosen_shown_and_cleared_without_javascript(
    server: ServerProcess, browser: Browser
) -> None:
    await send(server, event(1), event(2, severity="warning"), event(3, message="disk is full"))
    await opened(server, 3)
    phone = {"width": 390, "height": 800}
    async with visitor(browser, java_script_enabled=False, viewport=phone) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/incidents?state=open")
        rows = page.locator("#rows .row")
        await expect(rows).to_have_count(3)
        await page.get_by_label("Text").fill("NEGATIVE price")
        await page.get_by_label("Severity").select_option("error")
        await page.get_by_role("button", name="Filter").click()
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("price 1 is negative")
        assert "state=open" in page.url
        await page.get_by_role("link", name="severity error and critical").click()
        await expect(rows).to_have_count(2)
        await expect(page.get_by_label("Text")).to_have_value("NEGATIVE price")
        await page.get_by_role("link", name="Clear filters").click()
        await expect(rows).to_have_count(3)
        await page.get_by_label("Service").select_option("shop-3")
        await page.get_by_role("button", name="Filter").click()
        await expect(rows).to_contain_text("disk is full")
        await page.get_by_role("link", name="Ended").click()
        await expect(page.get_by_text("No ended incidents match these filters.")).to_be_visible()


async def test_what_somebody_writes_stays_while_news_come(
    server: ServerProcess, browser: Browser
) -> None:
    await send(server, event(1))
    await opened(server, 1)
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/incidents")
        await page.locator(".row-link").click()
        await live(page)
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.get_by_text("acknowledged by operator")).to_be_visible()
        await live(page)
        await page.locator("#snooze > summary").click()
        reason = page.locator("#snooze-reason")
        await reason.fill("known since")
        await page.locator("#snooze p").click()
        async with page.expect_response(page.url):
            await send(server, event(1, severity="critical"))
        await expect(page.locator("#unread-number")).to_have_text("2")
        await expect(reason).to_have_value("known since")
        await page.get_by_role("button", name="Snooze", exact=True).click()
        await expect(page.locator(".timeline")).to_contain_text("known since")


async def test_looking_at_an_incident_from_the_bell_marks_it_as_read(
    server: ServerProcess, browser: Browser
) -> None:
    await send(server, event())
    await opened(server, 1)
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/incidents")
        await page.locator("#bell > summary").click()
        await page.locator("#panel a[data-notification]").click()
        await expect(page.get_by_role("heading", name="Stack trace")).to_be_visible()
        await expect(page.locator("#unread")).to_be_hidden()


async def test_no_page_is_wider_than_the_screen(
    http: ClientSession, server: ServerProcess, browser: Browser
) -> None:
    long = "x" * 300
    await send(
        server,
        event(1, message=long, service=long[:128], release=long[:256], tags={long[:200]: long}),
        event(2, exception_type=long, stacktrace=[{"file": long, "function": long}]),
    )
    await opened(server, 2)
    async with http.get(f"{server.url}/api/events/1") as response:
        issue = (await response.json())["issue"]
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/incidents")
        addresses = await page.locator(".row-link").evaluate_all("links => links.map(a => a.href)")
        others = [
            f"{server.url}/{name}"
            for name in (
                *(
                    "notifications",
                    "deliveries/incoming",
                    "integrations",
                    "events/1",
                    f"issues/{issue}",
                ),
                *(
                    "settings",
                    "settings/silences",
                    "settings/routes",
                    "settings/account",
                    "deploys",
                ),
            )
        ]
        for address in [page.url, *others, *addresses]:
            await page.goto(address)
            for width in (320, 390, 768, 1280):
                await page.set_viewport_size({"width": width, "height": 800})
                shown = await page.evaluate("document.documentElement.scrollWidth")
                assert shown <= width, address


async def test_a_webhook_that_came_in_leads_to_its_incident(
    server: ServerProcess, browser: Browser
) -> None:
    await send(server, event(1))
    await opened(server, 1)
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/integrations")
        await expect(page.locator("#sentry-url")).to_have_value(re.compile("/api/webhooks/sentry$"))
        await expect(page.get_by_role("button", name="Copy")).to_have_count(2)
        await page.get_by_role("link", name="Received webhooks").click()
        await page.get_by_label("From").select_option("Sentry")
        await page.get_by_role("button", name="Find").click()
        await page.get_by_role("link", name="Open incident").click()
        await expect(page.get_by_role("heading", name="Stack trace")).to_be_visible()


async def one_stream(server: ServerProcess) -> None:
    """Wait until the server has one stream open: it hears of a closed tab when its socket ends."""
    async with ClientSession(headers=AS_OPERATOR) as session, limit():
        while True:
            text = await (await session.get(f"{server.url}/metrics")).text()
            if re.search(r"^pushlog_live_streams 1(\.0)?$", text, re.MULTILINE):
                return


async def test_pages_are_light_or_dark_as_the_person_says_or_else_as_the_system_is(
    http: ClientSession, server: ServerProcess, browser: Browser
) -> None:
    async with visitor(browser, color_scheme="dark") as context:
        page = await context.new_page()
        grounds = {}
        for appearance in ("system", "light", "dark"):
            async with http.put(
                f"{server.url}/api/settings/appearance", json={"appearance": appearance}
            ) as response:
                assert response.status == 200
            await page.goto(f"{server.url}/incidents")
            grounds[appearance] = await page.evaluate(
                "getComputedStyle(document.body).backgroundColor"
            )
    dark, light = "rgb(19, 20, 25)", "rgb(246, 246, 244)"
    assert grounds == {"system": dark, "light": light, "dark": dark}
