"""Send a test mail with the server's own settings, and say what went wrong and what to do."""

import argparse
import asyncio
import sys
import textwrap
from datetime import UTC, datetime

import aiosmtplib

from scripts.installation import read_installation
from server.notify.channel import Letter
from server.notify.email.channel import TIMEOUT_S, send_mail
from server.notify.email.compose import Letterhead, NotAnAddress, compose
from server.notify.email.smtp_failures import failure_of
from server.notify.news import TestNews
from server.settings.settings import Settings, Smtp
from shared.text import harmless

EXIT_NOT_SENT = 1
EXIT_NOT_SET_UP = 2
WIDTH = 92

_NO_HOST = (
    "SMTP_HOST is not set, so PushLog sends no mail. Set SMTP_HOST, SMTP_FROM and, if the mail "
    "server requires a login, SMTP_USER and SMTP_PASS, in .env or in the file that "
    "PUSHLOG_ENV_FILE names (under pm2, prod.env)."
)
_WAYS = {"starttls": "STARTTLS", "tls": "TLS", "none": "no encryption"}


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_NOT_SENT` or `EXIT_NOT_SET_UP`."""
    options = _parser().parse_args(arguments)
    settings = read_installation()
    if settings.smtp is None:
        _say(_NO_HOST)
        return EXIT_NOT_SET_UP
    print(_way(settings.smtp))
    return asyncio.run(_try_out(settings, settings.smtp, options.address, options.timeout))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/test-email",
        description="Sends a test mail with the server's settings (from the environment and the "
        "env file). The server does not have to be running.",
        epilog="Exit codes: 0 sent, 1 not sent (the reason and what to do are printed), 2 the "
        "settings are missing or wrong.",
    )
    parser.add_argument("address", help="the address to send the mail to")
    parser.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="SECONDS",
        help="how long sending may take (default: %(default)g)",
    )
    return parser


async def _try_out(settings: Settings, smtp: Smtp, address: str, timeout_s: float) -> int:
    at = datetime.now(UTC)
    letter = Letter(
        key=f"test/email/{at.isoformat()}",
        receiver=address,
        incident_id=None,
        news=TestNews(at),
    )
    letterhead = Letterhead(
        sender=smtp.sender, public_url=settings.public_url, unsubscribe_url=lambda _: ""
    )
    try:
        await send_mail(compose([letter], letterhead, at), smtp, timeout_s)
    except NotAnAddress as error:
        _say(f"Not sent: {error}.")
        return EXIT_NOT_SENT
    except (aiosmtplib.SMTPException, OSError) as error:
        failure = failure_of(error, smtp, timeout_s)
        _say(f"Not sent: {failure.reason}.")
        _say(failure.advice)
        return EXIT_NOT_SENT
    print(f"Sent: {smtp.host} accepted a mail to {address}.")
    print("If it does not arrive, check the spam folder and the mail server's log.")
    return 0


def _way(smtp: Smtp) -> str:
    who = f"as {smtp.user}" if smtp.user else "without a login"
    return f"{smtp.host}:{smtp.port}, {_WAYS[smtp.security]}, {who}, from {smtp.sender}"


def _say(text: str) -> None:
    """Print in lines short enough to read, without anything that a terminal would obey."""
    for line in text.split("\n"):
        print(textwrap.fill(harmless(line), WIDTH, break_long_words=False), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
