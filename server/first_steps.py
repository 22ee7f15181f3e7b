"""The text for a person when the server has started: where it is, and what to do next."""

from server.settings.settings import Settings
from server.web.health import unsigned

WEBHOOK_PATH = "/api/webhooks/sentry"
DEFAULT = f"http://localhost:3000{WEBHOOK_PATH}"
"""The address that `scripts/send-sentry-webhook` uses if it is not given one."""


def first_steps(settings: Settings, port: int, code: str | None) -> str:
    """Return the text.

    `port` is the one that the server really listens on. `code` is the one for the first account, if
    there is none yet.
    """
    here = f"http://{_reached_as(settings.host)}:{port}"
    public = address_of(settings, port)
    steps = {
        **_first_account(public, code),
        "Incidents": f"{here}/",
        "Webhook for Sentry": f"{public}{WEBHOOK_PATH}",
        "Try it, in a second terminal": _try_it(f"{here}{WEBHOOK_PATH}", settings),
    }
    width = max(len(name) for name in steps)
    lines = ["PushLog is running.", *(f"  {name:<{width}}   {steps[name]}" for name in steps)]
    missing = unsigned(settings)
    if missing:
        *others, last = missing
        names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
        lines.append(
            "  Webhooks are unsigned: whoever reaches this port can send events, because\n"
            f"  {names} not set."
        )
    return "\n".join(["", *lines, ""])


def _first_account(public: str, code: str | None) -> dict[str, str]:
    if code is None:
        return {}
    return {"Make the first account": f"{public}/first-account", "with the code": code}


def address_of(settings: Settings, port: int) -> str:
    """Return where people reach the pages; `port` is the one that the server really listens on."""
    # If nothing was set, PUBLIC_URL was made of a port that may be 0: any free one.
    unset = settings.public_url == f"http://localhost:{settings.port}"
    return f"http://{_reached_as(settings.host)}:{port}" if unset else settings.public_url


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
        # The secret itself is not printed, because this output may be kept in a log.
        command += " --secret YOUR-SECRET"
    return command
