"""Every setting of the server: read once from the environment, checked, then passed on."""

import re
import sys
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from server.settings import receivers, rules, values
from server.settings.reminding import (
    MinutesBySeverity,
    Reminding,
    is_mail_address,
    minutes_by_severity,
)
from server.settings.rules import BranchRule, EnvironmentRule, ServiceChannel, ServiceRule

MinSeverity = Literal["all", "error", "critical"]
SmtpSecurity = Literal["starttls", "tls", "none"]

_SENDER = re.compile(r"""[\w"'., +-]*<[^\s<>@",]+@[^\s<>@",]+>|[^\s<>@",]+@[^\s<>@",]+""")
"""``pushlog@acme.example``, or with a name: ``PushLog <pushlog@acme.example>``."""

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
    """How to post to Slack: by an incoming webhook, or as a bot to a channel.

    With `signing_secret` or `app_token`, Slack tells which buttons people press.
    """

    webhook_url: str | None = None
    bot_token: str | None = None
    channel: str | None = None
    deploys_channel: str | None = None
    """Where pushes and their verdicts are told, if not in `channel`."""
    service_channels: tuple[ServiceChannel, ...] = ()
    signing_secret: str | None = None
    """Slack signs with it what it sends to ``/api/slack/interactions``."""
    app_token: str | None = None
    """Opens a WebSocket (Socket Mode) instead, where Slack cannot reach the server."""
    api_url: str = "https://slack.com/api"

    @property
    def has_buttons(self) -> bool:
        """Whether messages can have buttons that do something."""
        return bool(self.bot_token and (self.signing_secret or self.app_token))


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses that are called about each piece of news, and the key that signs the calls."""

    urls: tuple[str, ...]
    key: bytes


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The variables of the README's table, with the same names in lower case."""

    port: int
    host: str
    database_path: Path
    """The main database's file. With PostgreSQL, only what is a server's own is beside it."""
    postgres_url: str | None
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
    suspect_author_min_confidence: float
    smtp: Smtp | None
    slack: Slack | None
    reminding: Reminding
    webhooks: Webhooks | None
    apprise_urls: tuple[str, ...]
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
    def database(self) -> Path | str:
        """Where the main database is: a file, or the URL of PostgreSQL."""
        return self.postgres_url or self.database_path

    @property
    def database_name(self) -> str:
        """The main database as people may read of it: without the password."""
        if self.postgres_url is None:
            return str(self.database_path.absolute())
        return values.without_password(self.postgres_url)

    @property
    def tells_outside(self) -> bool:
        """Whether there is any way to people outside."""
        return any((self.smtp, self.slack, self.webhooks, self.apprise_urls))

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
    port = reader.read("PORT", 3000, values.port)
    folder = reader.read("DATA_FOLDER", Path("data"), Path)
    database: Path | str = Path("data/pushlog.db")
    database = reader.read("DATABASE_URL", database, values.database)
    # Several servers may share a machine and a folder.
    path = database if isinstance(database, Path) else folder / f"pushlog-{port}.db"
    settings = Settings(
        port=port,
        host=reader.read("HOST", "0.0.0.0", str),
        database_path=path,
        postgres_url=None if isinstance(database, Path) else database,
        public_url=reader.read("PUBLIC_URL", f"http://localhost:{port}", values.http_url),
        sentry_webhook_secrets=reader.read("SENTRY_WEBHOOK_SECRET", (), values.list_of_names),
        incident_webhook_secret=reader.read_text("INCIDENT_WEBHOOK_SECRET"),
        github_webhook_secrets=reader.read("GITHUB_WEBHOOK_SECRET", (), values.list_of_names),
        github_token=reader.read_text("GITHUB_TOKEN"),
        github_api_url=reader.read("GITHUB_API_URL", "https://api.github.com", values.http_url),
        github_services=reader.read("GITHUB_SERVICES", (), rules.service_rules),
        github_branches=reader.read("GITHUB_BRANCHES", (), rules.branch_rules),
        sentry_dsn=reader.read("SENTRY_DSN", None, values.dsn),
        vite_sentry_dsn=reader.read("VITE_SENTRY_DSN", None, values.dsn),
        disable_deploy_incidents=reader.read("DISABLE_DEPLOY_INCIDENTS", False, values.flag),
        enable_test_routes=reader.read("ENABLE_TEST_ROUTES", False, values.flag),
        incident_notification_min_severity=reader.read(
            "INCIDENT_NOTIFICATION_MIN_SEVERITY", "all", _min_severity
        ),
        incident_engine_command=reader.read(
            "INCIDENT_ENGINE_BIN", (sys.executable, "-m", "engine"), values.command
        ),
        incident_queue_max=reader.read("INCIDENT_QUEUE_MAX", 2_000_000, values.count),
        production_environments=reader.read(
            "PRODUCTION_ENVIRONMENTS", ("production",), values.list_of_names
        ),
        environments=reader.read("ENVIRONMENTS", (), rules.environment_rules),
        spike_false_alarms_per_week=reader.read(
            "SPIKE_FALSE_ALARMS_PER_WEEK", 1.0, values.per_week
        ),
        suspect_author_min_confidence=reader.read(
            "SUSPECT_AUTHOR_MIN_CONFIDENCE", 0.7, values.share
        ),
        smtp=_smtp(reader),
        slack=_slack(reader),
        reminding=_reminding(reader),
        webhooks=_webhooks(reader),
        apprise_urls=reader.read("APPRISE_URLS", (), receivers.apprise_urls),
        heartbeat_url=reader.read("HEARTBEAT_URL", None, values.http_url),
        outgoing_networks=reader.read("OUTGOING_NETWORKS", (), values.networks),
        trusted_proxies=reader.read("TRUSTED_PROXIES", (), values.networks),
        retention_days=reader.read("RETENTION_DAYS", 30, values.days),
        retention_incident_days=reader.read("RETENTION_INCIDENT_DAYS", 365, values.days),
        retention_max_journal_mb=reader.read("RETENTION_MAX_JOURNAL_MB", 10_000, values.megabytes),
        backup_folder=reader.read("BACKUP_FOLDER", None, Path),
        backup_keep=reader.read("BACKUP_KEEP", 14, values.count),
    )
    if settings.postgres_url is not None and settings.backup_folder is not None:
        reader.faults.append(
            "BACKUP_FOLDER: is for SQLite's files; back PostgreSQL up with pg_dump (docs/SCALE.md)"
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
    port = reader.read("SMTP_PORT", 587, values.port)
    return Smtp(
        host=host,
        port=port,
        user=reader.read_text("SMTP_USER"),
        password=reader.read_text("SMTP_PASS"),
        sender=sender or "",
        security=reader.read("SMTP_SECURITY", "tls" if port == 465 else "starttls", _smtp_security),
        ca_file=reader.read("SMTP_CA_FILE", None, values.ca_file),
    )


def _slack(reader: _Reader) -> Slack | None:
    slack = Slack(
        webhook_url=reader.read("SLACK_WEBHOOK_URL", None, values.http_url),
        bot_token=reader.read_text("SLACK_BOT_TOKEN"),
        channel=reader.read_text("SLACK_CHANNEL"),
        deploys_channel=reader.read_text("SLACK_DEPLOYS_CHANNEL"),
        service_channels=reader.read("SLACK_SERVICE_CHANNELS", (), rules.service_channels),
        signing_secret=reader.read_text("SLACK_SIGNING_SECRET"),
        app_token=reader.read("SLACK_APP_TOKEN", None, _app_token),
        api_url=reader.read("SLACK_API_URL", "https://slack.com/api", values.http_url),
    )
    if slack.bot_token is None:
        for name in _OF_BOTS:
            if reader.read_text(name):
                reader.faults.append(f"{name}: has no effect without SLACK_BOT_TOKEN")
        return slack if slack.webhook_url else None
    if slack.channel is None:
        reader.faults.append("SLACK_CHANNEL: must name the channel that SLACK_BOT_TOKEN posts to")
    return slack


_OF_BOTS = (
    "SLACK_DEPLOYS_CHANNEL",
    "SLACK_SERVICE_CHANNELS",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
)


def _reminding(reader: _Reader) -> Reminding:
    none: MinutesBySeverity = {}
    reminding = Reminding(
        remind_after_min=reader.read("REMIND_AFTER_MIN", none, minutes_by_severity),
        escalate_after_min=reader.read("ESCALATE_AFTER_MIN", none, minutes_by_severity),
        escalate_to=reader.read("ESCALATE_TO", (), values.list_of_names),
    )
    if bool(reader.read_text("ESCALATE_AFTER_MIN")) != bool(reader.read_text("ESCALATE_TO")):
        reader.faults.append("ESCALATE_AFTER_MIN: set both this and ESCALATE_TO, or neither")
    mails = [each for each in reminding.escalate_to if is_mail_address(each)]
    if mails and not reader.read_text("SMTP_HOST"):
        reader.faults.append("ESCALATE_TO: a mail address needs SMTP_HOST")
    if len(mails) < len(reminding.escalate_to) and not reader.read_text("SLACK_BOT_TOKEN"):
        reader.faults.append("ESCALATE_TO: a channel of Slack needs SLACK_BOT_TOKEN")
    return reminding


def _webhooks(reader: _Reader) -> Webhooks | None:
    none: tuple[str, ...] = ()
    urls = reader.read("WEBHOOK_URLS", none, receivers.webhook_urls)
    key = reader.read("WEBHOOK_SECRET", b"", receivers.webhook_secret)
    if reader.read_text("WEBHOOK_URLS") is None:
        if reader.read_text("WEBHOOK_SECRET"):
            reader.faults.append("WEBHOOK_SECRET: has no effect without WEBHOOK_URLS")
        return None
    if reader.read_text("WEBHOOK_SECRET") is None:
        reader.faults.append(
            "WEBHOOK_SECRET: must be set with WEBHOOK_URLS, because PushLog signs each call; "
            f"{receivers.HOW_TO_MAKE_A_SECRET}"
        )
    return Webhooks(urls=urls, key=key)


def _app_token(text: str) -> str:
    if not text.startswith("xapp-"):
        raise ValueError("must be an app-level token of Slack, which begins with xapp-")
    return text


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
