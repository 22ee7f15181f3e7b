"""Every setting of the server: read once from the environment, checked, then passed on."""

import math
import re
import shlex
import ssl
import sys
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

MinSeverity = Literal["all", "error", "critical"]
SmtpSecurity = Literal["starttls", "tls", "none"]

_SENDER = re.compile(r"""[\w"'., +-]*<[^\s<>@",]+@[^\s<>@",]+>|[^\s<>@",]+@[^\s<>@",]+""")
"""``pushlog@acme.example``, or with a name: ``PushLog <pushlog@acme.example>``."""

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+|[0-9]+", re.ASCII)

T = TypeVar("T")


class Smtp(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server that takes our mail."""

    host: str
    port: int
    user: str | None
    password: str | None
    sender: str
    security: SmtpSecurity
    ca_file: Path | None = None
    """Certificates of authorities that are trusted in addition to those of the system."""


class Slack(msgspec.Struct, frozen=True, kw_only=True):
    """How to post to Slack: by an incoming webhook, or as a bot to a channel."""

    webhook_url: str | None
    bot_token: str | None
    channel: str | None
    api_url: str = "https://slack.com/api"


class ServiceRule(msgspec.Struct, frozen=True):
    """Code of a service in a repository: `service` is in `folder` (ends with a slash; empty: all).

    `repository` is its ``owner/name`` in lower case or, to survive a renaming, its number.
    """

    repository: str
    folder: str
    service: str


class BranchRule(msgspec.Struct, frozen=True):
    """A push to a branch like `branch` (``*`` stands for any characters) goes to `environment`."""

    branch: str
    environment: str


class EnvironmentRule(msgspec.Struct, frozen=True):
    """Where others call an environment `name` (``*`` stands for any characters), it is this one."""

    name: str
    environment: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The variables of the README's table, with the same names in lower case."""

    port: int
    host: str
    database_path: Path
    public_url: str
    sentry_webhook_secrets: tuple[str, ...]
    incident_webhook_secret: str | None
    github_webhook_secrets: tuple[str, ...]
    github_token: str | None
    github_api_url: str
    github_services: tuple[ServiceRule, ...]
    github_branches: tuple[BranchRule, ...]
    sentry_dsn: str | None
    vite_sentry_dsn: str | None
    disable_deploy_incidents: bool
    enable_test_routes: bool
    incident_notification_min_severity: MinSeverity
    incident_engine_command: tuple[str, ...]
    incident_queue_max: int
    production_environments: tuple[str, ...]
    environments: tuple[EnvironmentRule, ...]
    spike_false_alarms_per_week: float
    smtp: Smtp | None
    slack: Slack | None
    heartbeat_url: str | None
    outgoing_networks: tuple[IPv4Network | IPv6Network, ...]
    """Inside networks that names in settings may stand for."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    retention_days: int
    retention_incident_days: int
    retention_max_journal_mb: int
    backup_folder: Path | None
    """Where a backup is made each night, if anywhere."""
    backup_keep: int

    @property
    def journal_path(self) -> Path:
        """The journal's file, beside the main database: ``pushlog-journal.db``."""
        return self.database_path.with_name(f"{self.database_path.stem}-journal.db")

    @property
    def mail_key_path(self) -> Path:
        """The key of the addresses that end mails, in a file beside the main database."""
        return self.database_path.with_name(f"{self.database_path.stem}-mail.key")


class SettingsError(ValueError):
    """Variables that break a rule, each named with the rule."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings in `environ`; raise `SettingsError` with everything wrong at once.

    A variable that is set but empty counts as not set.
    """
    reader = _Reader(environ)
    port = reader.read("PORT", 3000, _port)
    settings = Settings(
        port=port,
        host=reader.read("HOST", "0.0.0.0", str),
        database_path=reader.read("DATABASE_URL", Path("data/pushlog.db"), _database_path),
        public_url=reader.read("PUBLIC_URL", f"http://localhost:{port}", _http_url),
        sentry_webhook_secrets=reader.read("SENTRY_WEBHOOK_SECRET", (), _list),
        incident_webhook_secret=reader.read_text("INCIDENT_WEBHOOK_SECRET"),
        github_webhook_secrets=reader.read("GITHUB_WEBHOOK_SECRET", (), _list),
        github_token=reader.read_text("GITHUB_TOKEN"),
        github_api_url=reader.read("GITHUB_API_URL", "https://api.github.com", _http_url),
        github_services=reader.read("GITHUB_SERVICES", (), _service_rules),
        github_branches=reader.read("GITHUB_BRANCHES", (), _branch_rules),
        sentry_dsn=reader.read("SENTRY_DSN", None, _dsn),
        vite_sentry_dsn=reader.read("VITE_SENTRY_DSN", None, _dsn),
        disable_deploy_incidents=reader.read("DISABLE_DEPLOY_INCIDENTS", False, _flag),
        enable_test_routes=reader.read("ENABLE_TEST_ROUTES", False, _flag),
        incident_notification_min_severity=reader.read(
            "INCIDENT_NOTIFICATION_MIN_SEVERITY", "all", _min_severity
        ),
        incident_engine_command=reader.read(
            "INCIDENT_ENGINE_BIN", (sys.executable, "-m", "engine"), _command
        ),
        incident_queue_max=reader.read("INCIDENT_QUEUE_MAX", 2_000_000, _count),
        production_environments=reader.read("PRODUCTION_ENVIRONMENTS", ("production",), _list),
        environments=reader.read("ENVIRONMENTS", (), _environment_rules),
        spike_false_alarms_per_week=reader.read("SPIKE_FALSE_ALARMS_PER_WEEK", 1.0, _per_week),
        smtp=_smtp(reader),
        slack=_slack(reader),
        heartbeat_url=reader.read("HEARTBEAT_URL", None, _http_url),
        outgoing_networks=reader.read("OUTGOING_NETWORKS", (), _networks),
        trusted_proxies=reader.read("TRUSTED_PROXIES", (), _networks),
        retention_days=reader.read("RETENTION_DAYS", 30, _days),
        retention_incident_days=reader.read("RETENTION_INCIDENT_DAYS", 365, _days),
        retention_max_journal_mb=reader.read("RETENTION_MAX_JOURNAL_MB", 10_000, _megabytes),
        backup_folder=reader.read("BACKUP_FOLDER", None, Path),
        backup_keep=reader.read("BACKUP_KEEP", 14, _count),
    )
    if reader.faults:
        raise SettingsError(reader.faults)
    return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[str] = []

    def read_text(self, name: str) -> str | None:
        return self._environ.get(name, "").strip() or None

    def read(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        text = self.read_text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.faults.append(f"{name}: {error}")
            return default


def _smtp(reader: _Reader) -> Smtp | None:
    host = reader.read_text("SMTP_HOST")
    names = ("SMTP_PORT", "SMTP_USER", "SMTP_PASS", "SMTP_FROM", "SMTP_SECURITY", "SMTP_CA_FILE")
    if host is None:
        for name in names:
            if reader.read_text(name):
                reader.faults.append(f"{name}: has no effect without SMTP_HOST")
        return None
    sender = reader.read_text("SMTP_FROM")
    if sender is None or not _SENDER.fullmatch(sender):
        reader.faults.append("SMTP_FROM: must be the mail address that PushLog sends from")
    port = reader.read("SMTP_PORT", 587, _port)
    return Smtp(
        host=host,
        port=port,
        user=reader.read_text("SMTP_USER"),
        password=reader.read_text("SMTP_PASS"),
        sender=sender or "",
        security=reader.read("SMTP_SECURITY", "tls" if port == 465 else "starttls", _smtp_security),
        ca_file=reader.read("SMTP_CA_FILE", None, _ca_file),
    )


def _slack(reader: _Reader) -> Slack | None:
    webhook_url = reader.read("SLACK_WEBHOOK_URL", None, _http_url)
    bot_token = reader.read_text("SLACK_BOT_TOKEN")
    channel = reader.read_text("SLACK_CHANNEL")
    api_url = reader.read("SLACK_API_URL", "https://slack.com/api", _http_url)
    if bot_token and not channel:
        reader.faults.append("SLACK_CHANNEL: must name the channel that SLACK_BOT_TOKEN posts to")
    if not (webhook_url or bot_token):
        return None
    return Slack(webhook_url=webhook_url, bot_token=bot_token, channel=channel, api_url=api_url)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError(f"must be a port number from 0 to 65535, not {text!r}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"must be a whole number above 0, not {text!r}")
    return int(text)


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 36_500:
        raise ValueError(f"must be a number of days from 1 to 36500, not {text!r}")
    return int(text)


def _per_week(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.001 <= number <= 1_000.0:
        raise ValueError(f"must be a number a week from 0.001 to 1000, not {text!r}")
    return number


def _megabytes(text: str) -> int:
    # The journal also holds a day of delivery identities, which are not removed sooner.
    if not text.isdecimal() or int(text) < 100:
        raise ValueError(f"must be a whole number of megabytes, at least 100, not {text!r}")
    return int(text)


def _flag(text: str) -> bool:
    match text.lower():
        case "true" | "1" | "yes" | "on":
            return True
        case "false" | "0" | "no" | "off":
            return False
    raise ValueError(f"must be true or false, not {text!r}")


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _dsn(text: str) -> str:
    # Imported here, because most servers do not need it and it takes an eighth of the time to
    # start: see `sentry_reporting`.
    from sentry_sdk.utils import BadDsn, Dsn  # noqa: PLC0415

    try:
        Dsn(text)
    except BadDsn:
        # The message does not repeat the value, because it holds a key.
        raise ValueError(
            "must be a DSN from Sentry, like https://KEY@SENTRY.EXAMPLE/NUMBER"
        ) from None
    return text


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part) for part in _list(text))
    except ValueError as error:
        raise ValueError(f"must be addresses or networks like 10.0.0.0/8: {error}") from None


def _service_rules(text: str) -> tuple[ServiceRule, ...]:
    return tuple(_service_rule(part) for part in _list(text))


def _service_rule(text: str) -> ServiceRule:
    place, _, service = (part.strip() for part in text.rpartition("="))
    repository, colon, folder = (part.strip() for part in place.partition(":"))
    folder = folder.strip("/")
    if (
        not _REPOSITORY.fullmatch(repository)
        or not 0 < len(service) <= 128
        or (colon and not folder)
    ):
        raise ValueError(
            f"each part must be like owner/repository=service or owner/repository:folder=service "
            f"(service up to 128 characters), not {text!r}"
        )
    return ServiceRule(repository.lower(), f"{folder}/" if folder else "", service)


def _branch_rules(text: str) -> tuple[BranchRule, ...]:
    return tuple(_branch_rule(part) for part in _list(text))


def _branch_rule(text: str) -> BranchRule:
    branch, environment = _environment_of("branch", text)
    if branch.startswith("refs/"):
        raise ValueError(f"must name branches without refs/heads/, not {branch!r}")
    return BranchRule(branch, environment)


def _environment_rules(text: str) -> tuple[EnvironmentRule, ...]:
    return tuple(EnvironmentRule(*_environment_of("name", part)) for part in _list(text))


def _environment_of(what: str, text: str) -> tuple[str, str]:
    named, _, environment = (part.strip() for part in text.partition("="))
    if not named or not 0 < len(environment) <= 64:
        raise ValueError(
            f"each part must be like {what}=environment (environment up to 64 characters), "
            f"not {text!r}"
        )
    return named, environment


def _command(text: str) -> tuple[str, ...]:
    return tuple(shlex.split(text))


def _min_severity(text: str) -> MinSeverity:
    match text:
        case "all" | "error" | "critical":
            return text
    raise ValueError(f"must be all, error or critical, not {text!r}")


def _smtp_security(text: str) -> SmtpSecurity:
    match text:
        case "starttls" | "tls" | "none":
            return text
    raise ValueError(f"must be starttls, tls or none, not {text!r}")


def _ca_file(text: str) -> Path:
    try:
        ssl.create_default_context(cafile=text)
    except OSError as error:
        raise ValueError(f"must be a certificate file (PEM), not {text!r}: {error}") from None
    return Path(text)


def _http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"must be an http or https URL, not {text!r}")
    return text.rstrip("/")


def _database_path(text: str) -> Path:
    path = text.removeprefix("sqlite:///")
    if path == text or not path or path == ":memory:":
        raise ValueError(f"must be like sqlite:///data/pushlog.db, not {text!r}")
    return Path(path)
