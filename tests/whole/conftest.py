"""One Chromium for all tests of a process: to start it takes longer than most of them."""

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, async_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: install Debian's, or set CHROMIUM"
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it can be reached."""
    assert CHROMIUM is not None
    profile = tmp_path_factory.mktemp("chromium")
    with subprocess.Popen(
        [CHROMIUM, *ARGUMENTS, f"--user-data-dir={profile}"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = iter(process.stderr.readline, "")
        listening = (re.search(r"DevTools listening on (ws://\S+)", line) for line in said)
        yield next(found[1] for found in listening if found)
        process.kill()


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Shared; what a test sees is in contexts of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium)
        yield browser
        await browser.close()
