"""The errors of pages reach Sentry from a real browser, and the secrets of addresses do not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.fakes.sentry import FakeSentry
from tests.processes import ServerProcess, running_server
from tests.whole.conftest import needs_chromium
from tests.whole.test_browser import TIMEOUT_MS, refused_by_policy, sign_in

pytestmark = needs_chromium

SECRET = "s3cret" + "0" * 34
"""As long as the secrets in links, and of letters and digits that all of them may have."""
TOKEN = "c0ffee" + "0" * 34
MASKED = {
    "/reset/abc": "/reset/…",
    "https://p.example/unsubscribe/0f0f?x=1&y=2#z": "https://p.example/unsubscribe/…?x=…&y=…#z",
    "at f (https://p.example/invitation/a-b_c:12:5)": "at f (https://p.example/invitation/…",
    "/login?next=%2Freset%2Fabc": "/login?next=…",
    "/incidents/inc-1?state=": "/incidents/inc-1?state=…",
    "What? a = b & c": "What? a = b & c",
    "/resetting/abc": "/resetting/abc",
}
MASK = "import('/static/masking.js').then(({ masked }) => masked(%s))"


@pytest.fixture
async def sentry() -> AsyncIterator[FakeSentry]:
    async with FakeSentry() as fake:
        yield fake


@pytest.fixture
async def reporting(tmp_path: Path, sentry: FakeSentry) -> AsyncIterator[ServerProcess]:
    """A server whose pages report their errors to `sentry`."""
    async with running_server(tmp_path, env={"VITE_SENTRY_DSN": sentry.dsn}) as process:
        yield process


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page, signed in; `faults` of the policy would be in its console."""
    context = await browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    await sign_in(context, port=0)
    refused = refused_by_policy(context)
    yield await context.new_page()
    await context.close()
    assert refused == []


def event_of(envelope: bytes) -> dict[str, Any]:
    _, item, body = (json.loads(line) for line in envelope.split(b"\n")[:3])
    assert item["type"] == "event"
    return dict(body)


async def fail(page: Page, words: str) -> None:
    await page.evaluate("words => void setTimeout(() => { throw new Error(words); })", words)


async def test_an_error_of_a_page_reaches_sentry(
    reporting: ServerProcess, sentry: FakeSentry, page: Page
) -> None:
    await page.goto(f"{reporting.url}/incidents")
    await fail(page, "the list is broken")
    (envelope,) = await sentry.wait_for_envelopes(1)
    event = event_of(envelope)
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("Error", "the list is broken")
    assert event["request"]["url"] == f"{reporting.url}/incidents"
    assert event["release"].startswith("pushlog@")
    assert event["environment"].startswith("localhost")
    assert "user" not in event


async def test_a_promise_that_nobody_looks_at_and_a_page_without_a_session_are_reported_too(
    reporting: ServerProcess, sentry: FakeSentry, page: Page
) -> None:
    await page.context.clear_cookies()
    await page.goto(f"{reporting.url}/login")
    await page.evaluate("void Promise.reject(new Error('nobody looks'))")
    (envelope,) = await sentry.wait_for_envelopes(1)
    assert event_of(envelope)["exception"]["values"][0]["value"] == "nobody looks"


@pytest.mark.parametrize(
    "path", [f"/invitation/{SECRET}", f"/reset/{SECRET}", f"/unsubscribe/{TOKEN}"]
)
async def test_no_secret_of_an_address_leaves_the_page(
    reporting: ServerProcess, sentry: FakeSentry, page: Page, path: str
) -> None:
    secret = path.rpartition("/")[2]
    # From a page whose own address has the secret, so that the referrer has it too.
    await page.goto(f"{reporting.url}/first-account?code={secret}")
    await page.evaluate("path => { location.href = path; }", f"{path}?token={secret}")
    await page.wait_for_url(f"**{path}?token={secret}")
    await page.evaluate(
        """async path => {
            await fetch(path + '?code=' + path.split('/').pop());
            history.replaceState(null, '', path + '?again=' + path.split('/').pop());
        }""",
        path,
    )
    await fail(page, f"could not read {reporting.url}{path}?token={secret}")
    (envelope,) = await sentry.wait_for_envelopes(1)
    assert secret.encode() not in envelope
    event = event_of(envelope)
    masked = path.replace(secret, "…")
    assert event["request"]["url"] == f"{reporting.url}{masked}?again=…"
    assert event["request"]["headers"]["Referer"] == f"{reporting.url}/first-account?code=…"
    shown = [each for each in event["breadcrumbs"] if each["category"] in ("fetch", "navigation")]
    assert {each["category"] for each in shown} == {"fetch", "navigation"}
    assert masked in json.dumps(shown, ensure_ascii=False)


async def test_a_failure_of_the_sdk_itself_has_no_secret_either(
    reporting: ServerProcess, sentry: FakeSentry, page: Page
) -> None:
    await page.goto(f"{reporting.url}/reset/{SECRET}")
    await page.evaluate(
        """Sentry.getCurrentScope().getClient().addEventProcessor(event => {
            if (event.exception.values[0].value === 'first') throw new Error(location.href);
            return event;
        })"""
    )
    await fail(page, "first")
    (envelope,) = await sentry.wait_for_envelopes(1)
    assert event_of(envelope)["exception"]["values"][0]["value"] == f"{reporting.url}/reset/…"
    assert SECRET.encode() not in envelope


async def test_what_is_masked(reporting: ServerProcess, page: Page) -> None:
    await page.goto(f"{reporting.url}/login")
    deep = {"a": [{"b": list(MASKED)}, 7, None, True]}
    found = await page.evaluate(MASK % json.dumps(deep))
    assert found == {"a": [{"b": list(MASKED.values())}, 7, None, True]}


async def test_sentry_may_be_gone_and_the_page_works(
    reporting: ServerProcess, sentry: FakeSentry, page: Page
) -> None:
    sentry.status = 503
    await page.goto(f"{reporting.url}/incidents")
    async with page.expect_response("**/errors") as answered:
        await fail(page, "the list is broken")
    assert (await answered.value).status == 502
    await reporting.log.wait_for("did not reach VITE_SENTRY_DSN: Sentry answered HTTP 503")
    sentry.status = 200
    await fail(page, "the list is still broken")
    (envelope,) = await sentry.wait_for_envelopes(1)
    assert event_of(envelope)["exception"]["values"][0]["value"] == "the list is still broken"
    assert len(sentry.requests) == 2


async def test_without_a_dsn_no_page_has_the_script(server: ServerProcess, page: Page) -> None:
    for path in ("/incidents", "/login"):
        await page.goto(f"{server.url}{path}")
        assert await page.evaluate("typeof Sentry") == "undefined"
        assert await page.locator("script[data-dsn], script[src*=sentry]").count() == 0
