"""Send a test message to Slack with the server's own settings, and say what went wrong."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime

from scripts.installation import read_installation
from server.notify.channel import DeliveryFailed, Letter
from server.notify.channels import outlets_of
from server.notify.news import TestNews
from server.notify.slack.channel import try_slack
from server.settings.settings import Settings, Slack

EXIT_NOT_SENT = 1
EXIT_NOT_SET_UP = 2

_NOT_SET_UP = (
    "Neither SLACK_WEBHOOK_URL nor SLACK_BOT_TOKEN is set, so PushLog sends nothing to Slack. Set "
    "SLACK_WEBHOOK_URL, or SLACK_BOT_TOKEN with SLACK_CHANNEL, in .env or in the file that "
    "PUSHLOG_ENV_FILE names (under pm2, prod.env)."
)


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_NOT_SENT` or `EXIT_NOT_SET_UP`."""
    argparse.ArgumentParser(
        prog="scripts/test-slack",
        description="Sends a test message to each channel of Slack with the server's settings "
        "(from the environment and the env file). The server does not have to be running.",
        epilog="Exit codes: 0 sent, 1 not sent (the reason is printed), 2 the settings are missing "
        "or wrong.",
    ).parse_args(arguments)
    settings = read_installation()
    if settings.slack is None:
        print(_NOT_SET_UP, file=sys.stderr)
        return EXIT_NOT_SET_UP
    return asyncio.run(_try_out(settings, settings.slack))


async def _try_out(settings: Settings, slack: Slack) -> int:
    outlets = outlets_of(settings)
    code = 0
    for receiver in outlets.slack_receivers:
        way = f"as a bot to {receiver}" if outlets.slack == "bot" else "with the incoming webhook"
        print(f"Posting to Slack {way}.")
        at = datetime.now(UTC)
        letter = Letter(
            key=f"test/slack/{at.isoformat()}",
            receiver=receiver,
            incident_id=None,
            news=TestNews(at),
        )
        try:
            await try_slack(slack, letter, settings.public_url, settings.outgoing_networks)
        except DeliveryFailed as failure:
            print(f"Not sent: {failure}.", file=sys.stderr)
            code = EXIT_NOT_SENT
        else:
            print("Sent: check the channel.")
    return code


if __name__ == "__main__":
    sys.exit(main())
