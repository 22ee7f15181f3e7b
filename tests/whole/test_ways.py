"""The ways that people go, in a real browser: the first account, an invitation, a link at night.

And no page on the way keeps out who cannot see well or uses no mouse.
"""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import ClientSession
from playwright.async_api import Browser, Page, expect

from tests.processes import ROOT, ServerProcess, running_server
from tests.whole.conftest import needs_chromium
from tests.whole.test_browser import TIMEOUT_MS, event, live, opened, send, visitor

AXE = ROOT / "tests/tools/node_modules/axe-core/axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PASSWORD = "correct horse battery"

pytestmark = needs_chromium

expect.set_options(timeout=TIMEOUT_MS)


async def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        await page.locator(f"[name={name}]").fill(value)


async def test_from_the_first_account_to_an_acknowledgement_on_a_phone(
    server: ServerProcess, browser: Browser
) -> None:
    code = (await server.log.wait_for(r"First account: \S+ with code (\S+)"))[1]
    admin = await browser.new_context()
    page = await admin.new_page()
    await page.goto(f"{server.url}/")
    await expect(page).to_have_url(f"{server.url}/first-account")
    await fill(page, code=code, name="Ada", email="ada@example.org", password=PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await page.goto(f"{server.url}/incidents")
    await live(page)
    await send(server, event())
    await page.get_by_role("link", name="ValueError: price 1 is negative").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("price 1 is negative")
    incident_url = page.url

    await page.goto(f"{server.url}/settings/people")
    await fill(page, email="bob@example.org")
    await page.get_by_role("button", name="Invite").click()
    link = await page.locator("code.secret").inner_text()
    guest = await browser.new_context()
    invited = await guest.new_page()
    await invited.goto(server.url + link[link.index("/invitation/") :])
    await fill(invited, name="Bob", password=PASSWORD)
    await invited.get_by_role("button", name="Create account").click()
    await expect(invited.locator("#bell")).to_be_visible()

    phone = await browser.new_context(**PHONE)  # type: ignore[arg-type]
    night = await phone.new_page()
    await night.goto(incident_url)
    await expect(night.get_by_role("heading", name="Sign in")).to_be_visible()
    await fill(night, email="bob@example.org", password=PASSWORD)
    await night.get_by_role("button", name="Sign in").click()
    await expect(night).to_have_url(incident_url)
    acknowledge = night.get_by_role("button", name="Acknowledge")
    for seen in (acknowledge, night.locator(".glance"), night.locator(".chart")):
        box = await seen.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= PHONE["viewport"]["height"]  # type: ignore[index]
    await acknowledge.click()
    await expect(night.locator(".where")).to_contain_text("acknowledged by Bob")
    await page.goto(f"{server.url}/incidents?state=acknowledged")
    await expect(page.locator("#rows")).to_contain_text("acknowledged by Bob")
    for context in (admin, guest, phone):
        await context.close()


async def test_a_silence_is_seen_and_lifted_in_the_browser(
    server: ServerProcess, browser: Browser
) -> None:
    await send(server, event())
    await opened(server, 1)
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/incidents")
        await page.locator(".row-link").click()
        await page.locator("#silence > summary").click()
        await page.locator("#silence-reason").fill("known since the move")
        await page.get_by_role("button", name="Silence for good").click()
        await expect(page.locator(".quieted")).to_contain_text(
            "by operator just now, for good: known since the move"
        )
        await page.goto(f"{server.url}/settings/silences")
        await page.get_by_role("button", name="Lift the silence of").click()
        await expect(page.locator("#silences")).to_contain_text("Nothing is silenced.")


async def test_a_simulated_incident_is_marked_wherever_it_appears(
    browser: Browser, tmp_path: Path
) -> None:
    async with (
        running_server(tmp_path, env={"ENABLE_TEST_ROUTES": "true"}) as server,
        visitor(browser) as context,
    ):
        page = await context.new_page()
        await page.goto(f"{server.url}/integrations")
        await live(page)
        await page.get_by_role("button", name="Simulate production incident").click()
        await page.locator("#simulated").get_by_role("link", name="Open incident").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("SimulatedIncident")
        await expect(page.get_by_role("link", name="Open in Sentry")).to_have_count(0)
        await expect(page.locator("#unread-number")).to_have_text("1")
        await page.goto(f"{server.url}/incidents")
        await expect(page.locator("#rows")).to_contain_text("SimulatedIncident")
        await page.goto(f"{server.url}/deliveries/incoming")
        await expect(page.locator("main")).to_contain_text("SimulatedIncident")


async def test_one_event_of_many_is_found_by_the_id_that_sentry_shows(
    server: ServerProcess, browser: Browser
) -> None:
    wanted = "0d5d6f7a8b9c4d3e8f10213243546579"
    await send(server, event(event_id=wanted, message="price 7 of sku-1 is negative"))
    await send(server, *[event(event_id=f"{number:032x}") for number in range(300)])
    async with visitor(browser) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/deliveries/incoming")
        # As people copy it from Sentry's page.
        await page.get_by_label("ID of the event").fill(f" {wanted.upper()} ")
        await page.get_by_role("button", name="Find").click()
        found = page.locator("main ol > li")
        await expect(found).to_have_count(1)
        await found.get_by_role("link", name="Entry").first.click()
        await expect(page.locator("main")).to_contain_text("price 7 of sku-1 is negative")
        await expect(page.locator("main")).to_contain_text(wanted)


async def violations(page: Page) -> list[str]:
    """What axe finds, each with the first element that it finds it in."""
    session = await page.context.new_cdp_session(page)
    # The debugger's scripts are not bound by the page's policy, which allows only our own.
    await session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    found: list[dict[str, Any]] = await page.evaluate(
        "axe.run(document).then(result => result.violations)"
    )
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core, which scripts/test installs")
async def test_axe_finds_nothing_on_any_page(
    http: ClientSession, server: ServerProcess, browser: Browser
) -> None:
    await send(server, event(1), event(2, message="x" * 3000, tags={"browser": "Firefox"}))
    await opened(server, 2)
    async with http.get(f"{server.url}/api/incidents") as response:
        found = (await response.json())["incidents"]
    async with http.post(
        f"{server.url}/api/incidents/{found[1]['incident_id']}/silence", json={"reason": "known"}
    ) as response:
        assert response.status == 202
    async with visitor(browser) as context:
        page = await context.new_page()
        faults: dict[str, list[str]] = {}
        for path in (
            *("/incidents", *(f"/incidents/{each['incident_id']}" for each in found)),
            f"/issues/{found[0]['top_symptoms'][0]['fingerprint']}",
            *(
                "/events/1",
                "/deploys",
                "/deploys/1",
                "/notifications",
                "/integrations",
                "/troubles",
            ),
            *(f"/deliveries{each}" for each in ("", "/incoming", "/not-told", "/dead-letters")),
            *(
                "/settings",
                "/settings/silences",
                "/settings/routes",
                "/settings/account",
                "/settings/people",
            ),
            *("/first-account", "/incidents/none"),
        ):
            await page.goto(f"{server.url}{path}")
            await page.evaluate(
                "for (const each of document.querySelectorAll('details')) each.open = true"
            )
            for colours in COLOURS:
                await page.emulate_media(color_scheme=colours)
                if wrong := await violations(page):
                    faults[f"{path} {colours}"] = wrong
        assert faults == {}, json.dumps(faults, indent=1)
