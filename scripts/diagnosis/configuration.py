"""Check the env file and the settings: whether they can be read, and what is easily overlooked."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from scripts.diagnosis.finding import Finding, fail, ok, warn
from server.settings.env_file import Asked, with_env_file
from server.settings.settings import Settings, SettingsError, read_settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def examine_configuration(environ: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """Return the settings as the server would read them, if they can be read, and the findings."""
    try:
        asked = with_env_file(environ)
        settings = read_settings(asked)
    except SettingsError as error:
        return None, [
            fail("settings", f"{fault}. The server will not start.") for fault in error.faults
        ]
    return settings, [
        *_env_file(asked),
        ok("settings", f"all {len(asked.names)} are valid"),
        *_overlooked(settings),
    ]


def _env_file(asked: Asked) -> Iterator[Finding]:
    path = asked.path
    if not path.exists():
        yield ok("env file", f"{path} does not exist: all settings come from the environment")
        return
    if not path.is_file():
        yield ok("env file", f"{path} is not a regular file, so nothing is read from it")
        return
    unknown = asked.unknown_names()
    if unknown:
        yield from (warn("env file", each) for each in unknown)
    elif path.stat().st_mode & 0o077:
        yield warn(
            "env file", f"{path} holds secrets, and other users may read it: chmod 600 {path}"
        )
    else:
        yield ok("env file", f"{path} is read and sets {len(asked.file)} settings")


def _overlooked(settings: Settings) -> Iterator[Finding]:
    secrets = {
        "SENTRY_WEBHOOK_SECRET": settings.sentry_webhook_secrets,
        "INCIDENT_WEBHOOK_SECRET": settings.incident_webhook_secret,
        "GITHUB_WEBHOOK_SECRET": settings.github_webhook_secrets,
    }
    missing = [name for name, secret in secrets.items() if not secret]
    if missing:
        yield warn(
            "webhooks",
            f"anyone who can reach this server can send them: set {', '.join(missing)}",
        )
    else:
        yield ok("webhooks", "a secret is set for each source")
    if settings.tells_outside and urlsplit(settings.public_url).hostname in LOOPBACK:
        yield warn(
            "links",
            f"links in notifications lead to {settings.public_url}, which is each reader's own "
            "machine: set PUBLIC_URL",
        )
    if settings.heartbeat_url is None:
        yield ok(
            "heartbeat", "HEARTBEAT_URL is not set: nobody will notice if this machine goes down"
        )
    else:
        yield ok("heartbeat", "HEARTBEAT_URL is set; only the server calls it, so it is not tested")
