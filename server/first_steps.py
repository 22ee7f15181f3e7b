"""What a person reads when the server has started: where it is, and what to do next."""

from server.settings import Settings

WEBHOOK_PATH = "/api/webhooks/sentry"


def first_steps(settings: Settings, port: int) -> str:
    """The text, with `port` being the one that it really listens on."""
    here = f"http://{_reached_as(settings.host)}:{port}"
    # Where nothing was set, PUBLIC_URL was made of a port that may be 0: any free one.
    unset = settings.public_url == f"http://localhost:{settings.port}"
    public = here if unset else settings.public_url
    # The script finds the default port by itself.
    url = "" if (here, settings.port) == ("http://localhost:3000", 3000) else f" --url {here}"
    steps = [
        ("Incidents", f"{here}/"),
        ("Webhook for Sentry", f"{public}{WEBHOOK_PATH}"),
        ("Try it, in a second terminal", f"scripts/send-sentry-webhook{url}"),
    ]
    width = max(len(name) for name, _ in steps)
    lines = ["PushLog is running.", *(f"  {name:<{width}}   {value}" for name, value in steps)]
    lines += [f"  {warning}" for warning in _warnings(settings)]
    return "\n".join(["", *lines, "", ""])


def _reached_as(host: str) -> str:
    match host:
        case "0.0.0.0" | "::" | "127.0.0.1" | "::1":
            return "localhost"
    return f"[{host}]" if ":" in host else host


def _warnings(settings: Settings) -> list[str]:
    unsigned = [
        name
        for name, secret in (
            ("SENTRY_WEBHOOK_SECRET", settings.sentry_webhook_secrets),
            ("INCIDENT_WEBHOOK_SECRET", settings.incident_webhook_secret),
        )
        if not secret
    ]
    if not unsigned:
        return []
    return [
        f"Webhooks are unsigned: whoever reaches this port can send events ({_all_of(unsigned)}"
        f" {'is' if len(unsigned) == 1 else 'are'} not set)."
    ]


def _all_of(names: list[str]) -> str:
    return " and ".join(names)
