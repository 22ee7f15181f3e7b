"""What a person reads when the server has started: where it is, and what to do next."""

from server.settings import Settings
from server.web.health import unsigned

WEBHOOK_PATH = "/api/webhooks/sentry"
DEFAULT = f"http://localhost:3000{WEBHOOK_PATH}"
"""Where `scripts/send-sentry-webhook` sends to if it is not told."""


def first_steps(settings: Settings, port: int) -> str:
    """The text, with `port` being the one that it really listens on."""
    here = f"http://{_reached_as(settings.host)}:{port}"
    # Where nothing was set, PUBLIC_URL was made of a port that may be 0: any free one.
    unset = settings.public_url == f"http://localhost:{settings.port}"
    public = here if unset else settings.public_url
    steps = {
        "Incidents": f"{here}/",
        "Webhook for Sentry": f"{public}{WEBHOOK_PATH}",
        "Try it, in a second terminal": _try_it(f"{here}{WEBHOOK_PATH}", settings),
    }
    width = max(len(name) for name in steps)
    lines = ["PushLog is running.", *(f"  {name:<{width}}   {steps[name]}" for name in steps)]
    missing = unsigned(settings)
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        lines.append(
            "  Webhooks are unsigned: whoever reaches this port can send events, because\n"
            f"  {' and '.join(missing)} {verb} not set."
        )
    return "\n".join(["", *lines, ""])


def _reached_as(host: str) -> str:
    match host:
        case "0.0.0.0" | "::" | "127.0.0.1" | "::1":
            return "localhost"
    return f"[{host}]" if ":" in host else host


def _try_it(webhook: str, settings: Settings) -> str:
    command = "scripts/send-sentry-webhook"
    if webhook != DEFAULT:
        command += f" --url {webhook}"
    if settings.sentry_webhook_secrets:
        # Not the secret itself: what is printed here may be kept in a log.
        command += " --secret YOUR-SECRET"
    return command
