"""Check mail server, Slack and GitHub, the way in by PUBLIC_URL, and this machine's clock."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
import aiosmtplib

from scripts.diagnosis.configuration import LOOPBACK
from scripts.diagnosis.finding import Finding, fail, ok, warn
from server.notify.channel import DeliveryFailed
from server.notify.email.channel import try_login
from server.notify.email.smtp_failures import failure_of
from server.notify.slack.api import SlackApi
from server.process.outgoing import open_session, why_not_connected
from server.settings.settings import Settings, Slack, Smtp, Webhooks

TIMEOUT_S = 10.0

_SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_REDIRECTS = range(300, 400)
_FROM_PROXY = frozenset({502, 503, 504})
_CLOCK_WARN_S = 5.0
_CLOCK_FAIL_S = 300.0


async def examine_mail(smtp: Smtp | None) -> Finding:
    """Connect, negotiate TLS and log in; send nothing."""
    if smtp is None:
        return ok("mail", "SMTP_HOST is not set: PushLog sends no mail")
    try:
        await try_login(smtp, TIMEOUT_S)
    except (aiosmtplib.SMTPException, OSError) as error:
        failure = failure_of(error, smtp, TIMEOUT_S)
        return fail("mail", f"{failure.reason}. {failure.advice}")
    who = f"accepts the login of {smtp.user}" if smtp.user else "answers, without a login"
    return ok("mail", f"{smtp.host}:{smtp.port} {who}; to send a test mail, run scripts/test-email")


async def examine_slack(session: aiohttp.ClientSession, slack: Slack | None) -> Finding:
    """Ask whose token the bot's is; for a webhook, only the form of its address can be checked."""
    if slack is None:
        return ok(
            "Slack",
            "neither SLACK_BOT_TOKEN nor SLACK_WEBHOOK_URL is set: PushLog sends nothing to Slack",
        )
    if slack.bot_token is None:
        parts = urlsplit(slack.webhook_url or "")
        if parts.hostname in _SLACK_HOSTS and parts.path.startswith("/services/"):
            return ok(
                "Slack",
                "SLACK_WEBHOOK_URL looks right; to post a test message, run scripts/test-slack",
            )
        return warn(
            "Slack",
            "SLACK_WEBHOOK_URL does not look like https://hooks.slack.com/services/T…/B…/…: "
            "run scripts/test-slack to see whether it works",
        )
    try:
        await SlackApi(session, slack.api_url, slack.bot_token).test()
    except DeliveryFailed as failure:
        return fail("Slack", f"{failure}. docs/NOTIFICATIONS.md says how to set up the bot")
    return ok(
        "Slack",
        f"it accepts SLACK_BOT_TOKEN; to post a test message to {slack.channel}, run "
        "scripts/test-slack",
    )


def examine_webhooks(webhooks: Webhooks | None) -> Finding:
    """Say to how many addresses there are calls; a call would be news to its receiver."""
    what = "calls"
    if webhooks is None:
        return ok(what, "WEBHOOK_URLS is not set: PushLog calls none of your programs")
    return ok(
        what,
        f"WEBHOOK_URLS has {len(webhooks.urls)}, not called now; to send a test, use the page "
        "Settings",
    )


def examine_apprise(urls: Sequence[str]) -> Finding:
    """Say how many targets there are; whether one works shows only when something is sent."""
    if not urls:
        return ok("Apprise", "APPRISE_URLS is not set: PushLog sends nothing by Apprise")
    return ok(
        "Apprise",
        f"APPRISE_URLS has {len(urls)}, sent nothing now; to send a test, use the page Settings",
    )


async def examine_github(session: aiohttp.ClientSession, settings: Settings) -> Finding:
    """Ask for the token's rate limit, which does not count against it."""
    if settings.github_token is None:
        return ok("GitHub", "GITHUB_TOKEN is not set: PushLog does not call GitHub's API")
    try:
        async with session.get(
            f"{settings.github_api_url}/rate_limit",
            headers={"Authorization": f"Bearer {settings.github_token}", "User-Agent": "PushLog"},
            allow_redirects=False,
        ) as response:
            status = response.status
    except aiohttp.ClientConnectorError as error:
        return fail("GitHub", f"{why_not_connected(error)}: check GITHUB_API_URL")
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        return fail(
            "GitHub", f"it cannot be reached ({type(error).__name__}): check GITHUB_API_URL"
        )
    if status == 200:
        return ok("GitHub", "it accepts GITHUB_TOKEN")
    if status == 401:
        return fail("GitHub", "GITHUB_TOKEN is wrong or has expired: create a new one")
    return warn("GitHub", f"it answered HTTP {status} to a request with GITHUB_TOKEN")


async def examine_way_in(public_url: str) -> Finding:
    """Ask for `/health` as somebody from outside does, through the proxy in front of PushLog."""
    what = "way in"
    if urlsplit(public_url).hostname in LOOPBACK:
        return ok(what, f"not checked: PUBLIC_URL is {public_url}, this machine itself")
    # A name may well stand for an address inside: it is our own.
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{public_url}/health", allow_redirects=False) as response,
        ):
            status, text = response.status, await response.content.read(1_000)
    except aiohttp.ClientConnectorCertificateError as error:
        return fail(
            what, f"the certificate of {public_url} is not valid: {error.certificate_error}"
        )
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        return warn(
            what,
            f"{public_url} cannot be reached from here ({type(error).__name__}): check the name, "
            "the proxy and the firewall. Some networks have no way back to themselves",
        )
    if status in _REDIRECTS:
        return warn(what, f"{public_url} redirects: set PUBLIC_URL to where it leads")
    if text.startswith(b'{"status"'):
        return ok(what, f"{public_url} leads to PushLog")
    if status in _FROM_PROXY:
        return fail(
            what,
            f"the proxy at {public_url} answers HTTP {status}: PushLog does not run, or the proxy "
            "passes requests to another port",
        )
    return fail(what, f"something else than PushLog answers at {public_url} (HTTP {status})")


async def examine_clock(session: aiohttp.ClientSession, settings: Settings) -> Finding:
    """Compare with the first answer from the servers that PushLog talks to anyway."""
    for url in _with_a_clock(settings):
        asked = time.time()
        try:
            async with session.head(url, allow_redirects=False) as response:
                date = parsedate_to_datetime(response.headers["Date"]).timestamp()
        except (TimeoutError, aiohttp.ClientError, KeyError, ValueError):
            continue
        # The other clock was read between request and answer, and gives whole seconds.
        ahead = max(0.0, asked - date - 1.0) - max(0.0, date - time.time())
        host = urlsplit(url).hostname
        way = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} that of {host}"
        advice = "set it with NTP (timedatectl set-ntp true)"
        if abs(ahead) > _CLOCK_FAIL_S:
            return fail("clock", f"it is {way}, so events get wrong times: {advice}")
        if abs(ahead) > _CLOCK_WARN_S:
            return warn("clock", f"it is {way}: {advice}")
        return ok("clock", f"it agrees with that of {host}")
    return ok("clock", "not checked: no server to compare it with can be reached")


def _with_a_clock(settings: Settings) -> Iterator[str]:
    if settings.slack is not None and settings.slack.bot_token is not None:
        yield settings.slack.api_url
    yield settings.github_api_url


async def examine_outside(settings: Settings) -> tuple[Finding, ...]:
    """Check all of them at once."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with open_session(settings.outgoing_networks, timeout=timeout) as session:
        mail, slack, *others = await asyncio.gather(
            examine_mail(settings.smtp),
            examine_slack(session, settings.slack),
            examine_github(session, settings),
            examine_clock(session, settings),
            examine_way_in(settings.public_url),
        )
    webhooks = examine_webhooks(settings.webhooks)
    return mail, slack, webhooks, examine_apprise(settings.apprise_urls), *others
