"""Mail from a real server with a real engine, by a real mail server, as a person reads it."""

import asyncio
import os
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiohttp import ClientSession
from playwright.async_api import Browser

from tests.fakes.smtp import Authority, FakeSmtp
from tests.mails import html
from tests.processes import ROOT, running_server
from tests.signed_in import AS_OPERATOR, TOKEN
from tests.waiting import limit
from tests.whole.conftest import needs_chromium
from tests.whole.test_browser import event, opened, send, visitor

COMMANDS = re.findall(
    r"^(?:scripts/test-email|curl) .*$", (ROOT / "docs/EMAIL_SETUP.md").read_text(), re.MULTILINE
)
"""`scripts/test-email` and `curl`, as docs/EMAIL_SETUP.md has them."""

LET_IN = {"PUSHLOG_TOKEN": TOKEN}


def settings(server: FakeSmtp) -> dict[str, str]:
    smtp = server.smtp()
    return {
        "SMTP_HOST": smtp.host,
        "SMTP_PORT": str(smtp.port),
        "SMTP_FROM": smtp.sender,
        "SMTP_SECURITY": smtp.security,
        "SMTP_USER": smtp.user or "",
        "SMTP_PASS": smtp.password or "",
        "SMTP_CA_FILE": str(smtp.ca_file or ""),
    }


async def shell(command: str, env: dict[str, str]) -> None:
    """Run a command of the docs; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", command),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PUSHLOG_ENV_FILE": "-nowhere.env"} | env,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0, command


async def arrived(smtp: FakeSmtp, subject: str) -> EmailMessage:
    async with limit():
        return await smtp.wait_for(subject)


async def test_what_the_docs_say_leads_to_a_mail_of_the_first_incident_and_of_a_kill(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    login = ("ada", "s3cret")
    async with FakeSmtp(security="starttls", authority=authority, login=login) as smtp:
        env = settings(smtp)
        test_email, put_wishes = COMMANDS
        await shell(test_email, env)
        async with running_server(tmp_path, env=env) as server:
            await shell(put_wishes.replace("http://localhost:3000", server.url), LET_IN)
            await send(server, event())
            await opened(server, 1)
            mail = await arrived(smtp, "price 1")
            assert mail["To"] == "ada@example.com"
            assert mail["Subject"] == "Error in shop-1/production: ValueError: price 1 is negative"
            assert "Round prices half up" in html(mail)
            await server.kill()
        async with running_server(tmp_path, env=env) as server:
            crash = await arrived(smtp, "UncleanShutdown")
            assert "did not shut down cleanly" in html(crash)
            assert await server.interrupt() == 0
        async with running_server(tmp_path, env=env) as server:
            await send(server, event(2))
            await arrived(smtp, "price 2")
            told = [mail for mail in smtp.mails if "UncleanShutdown" in mail["Subject"]]
            assert len({mail["Message-ID"] for mail in told}) == 1


async def test_the_author_of_the_commit_hears_that_it_is_suspected_if_the_sender_is_known(
    tmp_path: Path,
) -> None:
    async with FakeSmtp() as smtp:
        env = settings(smtp) | {"SUSPECT_AUTHOR_MIN_CONFIDENCE": "0.3"}
        strange, known = event(1), event(2)
        for each in (strange, known):
            each["change_window"]["commits"][0]["author_email"] = "Ada@example.com"
        async with running_server(tmp_path, env=env) as server:
            await shell(COMMANDS[1].replace("http://localhost:3000", server.url), LET_IN)
            await send(server, strange)
            # Anybody could have sent this, so it does not decide who is told of a suspicion.
            usual = await arrived(smtp, "price 1")
            assert usual["Subject"] == "Error in shop-1/production: ValueError: price 1 is negative"
            assert await server.interrupt() == 0
        secret = {"INCIDENT_WEBHOOK_SECRET": "s3cret"}
        async with running_server(tmp_path, env=env | secret) as server:
            async with ClientSession(headers={"X-Incident-Webhook-Secret": "s3cret"}) as session:
                url = f"{server.url}/api/webhooks/incidents"
                async with session.post(url, json=known) as response:
                    assert response.status == 202
            mail = await arrived(smtp, "Your commit")
            assert mail["To"] == "ada@example.com"
            assert "Round prices half up may have caused ValueError: price 2" in mail["Subject"]
            assert "Your commit is suspected" in html(mail)
            assert await server.interrupt() == 0
        assert [each["Subject"][:11] for each in smtp.mails] == ["Error in sh", "Your commit"]


async def test_a_summary_that_was_missed_comes_at_the_next_start_and_no_other_at_the_one_after(
    tmp_path: Path,
) -> None:
    # It is between 10 and 11 o'clock in the zone of this server.
    zone = {"TZ": f"XXX{datetime.now(UTC).hour - 10:+d}"}
    async with FakeSmtp() as smtp:
        env = settings(smtp) | zone
        async with running_server(tmp_path, env=env) as server:
            await shell(COMMANDS[1].replace("http://localhost:3000", server.url), LET_IN)
            async with ClientSession(headers=AS_OPERATOR) as session:
                url = f"{server.url}/api/settings/notifications"
                async with session.put(url, json={"summary": "daily"}) as response:
                    assert response.status == 200
            assert await server.interrupt() == 0
        async with running_server(tmp_path, env=env) as server:
            mail = await arrived(smtp, "Your day with PushLog")
            assert mail["Subject"] == "Your day with PushLog: nothing happened"
            assert "you chose a daily summary" in html(mail)
            assert await server.interrupt() == 0
        async with running_server(tmp_path, env=env) as server:
            await send(server, event())
            await arrived(smtp, "price 1")
            assert await server.interrupt() == 0
        assert len([each for each in smtp.mails if "Your day" in each["Subject"]]) == 1


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_mail_fits_on_a_phone_and_on_a_desk_and_can_be_read_in_the_dark(
    tmp_path: Path, browser: Browser, width: int, scheme: str
) -> None:
    # What does not fit is what has no place to break.
    wide = event(
        service="checkout-" * 14,
        message="https://shop.example/" + "a" * 400,
        stacktrace=[{"file": "src/" + "b" * 300 + ".py", "function": "c" * 200, "line": 1}],
    )
    async with FakeSmtp() as smtp:
        env = settings(smtp)
        async with running_server(tmp_path, env=env) as server:
            await shell(COMMANDS[1].replace("http://localhost:3000", server.url), LET_IN)
            await send(server, wide)
            mail = await arrived(smtp, "ValueError")
    async with visitor(
        browser, viewport={"width": width, "height": 800}, color_scheme=scheme
    ) as context:
        page = await context.new_page()
        await page.set_content(html(mail))
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        colors = await page.evaluate(
            "() => [document.querySelector('h1'), document.querySelector('.card')].map("
            "(each, n) => getComputedStyle(each)[n ? 'backgroundColor' : 'color'])"
        )
        ink, paper = (sum(map(int, re.findall(r"\d+", color)[:3])) for color in colors)
        assert abs(ink - paper) > 400
        assert (paper < 200) == (scheme == "dark")
