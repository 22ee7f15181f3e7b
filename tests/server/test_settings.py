"""What the server makes of its environment."""

from pathlib import Path

import pytest

from server.settings.reminding import Reminding
from server.settings.settings import SettingsError, read_settings


def faults_of(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        read_settings(environ)
    return raised.value.faults


def test_an_empty_environment_is_a_working_installation() -> None:
    settings = read_settings({})
    assert settings.port == 3000
    assert settings.database_path == Path("data/pushlog.db")
    assert settings.journal_path == Path("data/pushlog-journal.db")
    assert settings.public_url == "http://localhost:3000"
    assert settings.incident_engine_command[-2:] == ("-m", "engine")
    assert settings.incident_queue_max == 2_000_000
    assert settings.smtp is None
    assert settings.slack is None


def test_a_variable_that_is_empty_counts_as_not_set() -> None:
    assert read_settings({"PORT": "", "SENTRY_DSN": " "}) == read_settings({})


def test_all_faults_are_told_at_once_with_name_and_rule() -> None:
    faults = faults_of(
        PORT="70000",
        DATABASE_URL="postgres://user:hunter2@x",
        ENABLE_TEST_ROUTES="maybe",
        INCIDENT_NOTIFICATION_MIN_SEVERITY="loud",
        INCIDENT_QUEUE_MAX="0",
        HEARTBEAT_URL="ftp://x",
        RETENTION_DAYS="0",
        RETENTION_INCIDENT_DAYS="40000",
        RETENTION_MAX_JOURNAL_MB="99",
        SPIKE_FALSE_ALARMS_PER_WEEK="none",
    )
    assert faults == [
        "PORT: must be a port number from 0 to 65535, not '70000'",
        "DATABASE_URL: must name a database: postgresql://user:password@host/pushlog",
        "ENABLE_TEST_ROUTES: must be true or false, not 'maybe'",
        "INCIDENT_NOTIFICATION_MIN_SEVERITY: must be all, error or critical, not 'loud'",
        "INCIDENT_QUEUE_MAX: must be a whole number above 0, not '0'",
        "SPIKE_FALSE_ALARMS_PER_WEEK: must be a number a week from 0.001 to 1000, not 'none'",
        "HEARTBEAT_URL: must be an http or https URL, not 'ftp://x'",
        "RETENTION_DAYS: must be a number of days from 1 to 36500, not '0'",
        "RETENTION_INCIDENT_DAYS: must be a number of days from 1 to 36500, not '40000'",
        "RETENTION_MAX_JOURNAL_MB: must be a whole number of megabytes, at least 100, not '99'",
    ]


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1001", "0.0001"])
def test_a_budget_of_false_alarms_is_some_a_week(text: str) -> None:
    assert len(faults_of(SPIKE_FALSE_ALARMS_PER_WEEK=text)) == 1
    assert read_settings({"SPIKE_FALSE_ALARMS_PER_WEEK": "0.5"}).spike_false_alarms_per_week == 0.5


def test_several_secrets_are_separated_by_commas() -> None:
    settings = read_settings({"SENTRY_WEBHOOK_SECRET": "new, old,"})
    assert settings.sentry_webhook_secrets == ("new", "old")


def test_the_engine_command_is_split_as_a_shell_would() -> None:
    settings = read_settings({"INCIDENT_ENGINE_BIN": "/opt/my\\ engine/bin --fast 'a b'"})
    assert settings.incident_engine_command == ("/opt/my engine/bin", "--fast", "a b")


def test_a_database_path_may_be_absolute() -> None:
    settings = read_settings({"DATABASE_URL": "sqlite:////var/lib/pushlog/main.db"})
    assert settings.database_path == Path("/var/lib/pushlog/main.db")
    assert settings.journal_path == Path("/var/lib/pushlog/main-journal.db")


def test_with_postgresql_only_what_is_a_servers_own_is_in_a_folder() -> None:
    settings = read_settings(
        {
            "DATABASE_URL": "postgres://ada:hunter2@db.acme.example:5433/pushlog?sslmode=require",
            "DATA_FOLDER": "/var/lib/pushlog",
            "PORT": "3001",
        }
    )
    url = "postgresql://ada:hunter2@db.acme.example:5433/pushlog?sslmode=require"
    assert settings.database == settings.postgres_url == url
    assert settings.database_name == "postgresql://db.acme.example:5433/pushlog"
    assert settings.database_path == Path("/var/lib/pushlog/pushlog-3001.db")


def test_a_folder_of_backups_is_for_sqlite() -> None:
    (fault,) = faults_of(DATABASE_URL="postgresql://db/pushlog", BACKUP_FOLDER="backups")
    assert fault.startswith("BACKUP_FOLDER: is for SQLite's files")


def test_mail_needs_a_sender_and_port_465_means_tls() -> None:
    assert faults_of(SMTP_HOST="mail") == [
        "SMTP_FROM: must be the mail address that PushLog sends from"
    ]
    smtp = read_settings(
        {"SMTP_HOST": "mail", "SMTP_FROM": "p@example.com", "SMTP_PORT": "465"}
    ).smtp
    assert smtp is not None
    assert smtp.security == "tls"


def test_mail_settings_without_a_host_are_a_fault() -> None:
    assert faults_of(SMTP_USER="me") == ["SMTP_USER: has no effect without SMTP_HOST"]


@pytest.mark.parametrize("text", ["-0.1", "1.1", "nan", "70%"])
def test_a_confidence_is_from_0_to_1(text: str) -> None:
    assert faults_of(SUSPECT_AUTHOR_MIN_CONFIDENCE=text) == [
        f"SUSPECT_AUTHOR_MIN_CONFIDENCE: must be a number from 0 to 1, not {text!r}"
    ]


@pytest.mark.parametrize("text", ["critical", "loud=5", "error=0", "error=10081", "error=5m", "=5"])
def test_reminders_come_after_minutes_for_a_severity(text: str) -> None:
    (fault,) = faults_of(REMIND_AFTER_MIN=text)
    assert fault.startswith("REMIND_AFTER_MIN: each part must be like critical=15")


def test_reminders_are_off_unless_they_are_set() -> None:
    assert read_settings({}).reminding == Reminding()
    some = read_settings({"REMIND_AFTER_MIN": "critical=5, error = 15"}).reminding
    assert some.remind_after_min == {"critical": 5, "error": 15}


@pytest.mark.parametrize(
    ("env", "faults"),
    [
        (
            {"ESCALATE_AFTER_MIN": "error=5"},
            ["ESCALATE_AFTER_MIN: set both this and ESCALATE_TO, or neither"],
        ),
        (
            {"ESCALATE_AFTER_MIN": "error=5", "ESCALATE_TO": "lead@acme.example, #leads"},
            [
                "ESCALATE_TO: a mail address needs SMTP_HOST",
                "ESCALATE_TO: a channel of Slack needs SLACK_BOT_TOKEN",
            ],
        ),
    ],
)
def test_whom_to_tell_then_must_be_reachable(env: dict[str, str], faults: list[str]) -> None:
    assert faults_of(**env) == faults


def test_what_only_a_slack_bot_can_do_needs_its_token() -> None:
    assert faults_of(
        SLACK_WEBHOOK_URL="https://hooks.slack.example/1",
        SLACK_DEPLOYS_CHANNEL="#deploys",
        SLACK_SERVICE_CHANNELS="shop=#shop",
        SLACK_SIGNING_SECRET="s3cret",
        SLACK_APP_TOKEN="xapp-1",
    ) == [
        f"SLACK_{name}: has no effect without SLACK_BOT_TOKEN"
        for name in ("DEPLOYS_CHANNEL", "SERVICE_CHANNELS", "SIGNING_SECRET", "APP_TOKEN")
    ]


@pytest.mark.parametrize("text", ["shop", "=#shop", "shop=", f"{'s' * 129}=#shop"])
def test_a_channel_of_a_service_is_named_after_it(text: str) -> None:
    bot = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "#alerts"}
    (fault,) = faults_of(**bot, SLACK_SERVICE_CHANNELS=text)
    assert fault.startswith("SLACK_SERVICE_CHANNELS: each part must be like service=#channel")


def test_the_two_tokens_of_slack_are_not_mixed_up() -> None:
    bot = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "#alerts"}
    assert faults_of(**bot, SLACK_APP_TOKEN="xoxb-1") == [
        "SLACK_APP_TOKEN: must be an app-level token of Slack, which begins with xapp-"
    ]


def test_a_slack_bot_needs_its_channel() -> None:
    assert faults_of(SLACK_BOT_TOKEN="xoxb-1") == [
        "SLACK_CHANNEL: must name the channel that SLACK_BOT_TOKEN posts to"
    ]


def test_no_fault_repeats_a_secret() -> None:
    assert "hunter2" not in str(
        faults_of(SMTP_PASS="hunter2", SLACK_BOT_TOKEN="hunter2", GITHUB_TOKEN="hunter2")
    )


@pytest.mark.parametrize(
    "dsn", ["https://sentry.example/1", "sentry", "https://key@/x", "ftp://k@h/1"]
)
@pytest.mark.parametrize("name", ["SENTRY_DSN", "VITE_SENTRY_DSN"])
def test_a_dsn_that_is_none_is_told_without_its_key(name: str, dsn: str) -> None:
    (fault,) = faults_of(**{name: dsn})
    assert fault == f"{name}: must be a DSN from Sentry, like https://KEY@SENTRY.EXAMPLE/NUMBER"


def test_a_dsn_stays_as_it_was_written() -> None:
    dsn = "https://key@o1.ingest.sentry.example/42"
    assert read_settings({"SENTRY_DSN": dsn}).sentry_dsn == dsn


SIGNED = {"WEBHOOK_SECRET": f"whsec_{'c2VjcmV0' * 4}"}


def test_each_webhook_is_called_as_it_was_written_and_once() -> None:
    text = "https://a.example/x/ , http://u:p@10.0.0.1:81/y?z=%2C,https://a.example/x/"
    webhooks = read_settings({"WEBHOOK_URLS": text, **SIGNED}).webhooks
    assert webhooks is not None
    assert webhooks.urls == ("https://a.example/x/", "http://u:p@10.0.0.1:81/y?z=%2C")
    assert webhooks.key == b"secret" * 4


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hunter2.example",
        "hunter2",
        "https:///hunter2",
        "https://h:hunter2/",
        "http://[hunter2",
    ],
)
def test_a_webhook_that_is_none_is_told_by_its_position_and_not_repeated(url: str) -> None:
    (fault,) = faults_of(WEBHOOK_URLS=f"https://a.example/, {url}", **SIGNED)
    assert fault.startswith("WEBHOOK_URLS: address 2 of 2 must be an http or https URL")
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    "secret", ["hunter2", "whsec_", "whsec_c2VjcmV0", f"whsec_{'?' * 32}", f"whsec_{'a' * 88}"]
)
def test_a_webhook_secret_that_is_none_is_told_with_how_to_make_one(secret: str) -> None:
    (fault,) = faults_of(WEBHOOK_URLS="https://a.example/", WEBHOOK_SECRET=secret)
    assert fault.startswith("WEBHOOK_SECRET: must be whsec_ and then 24 to 64 random bytes")
    assert 'echo "whsec_$(openssl rand -base64 32)"' in fault
    assert secret == "whsec_" or secret not in fault


def test_webhooks_need_a_secret_and_a_secret_needs_webhooks() -> None:
    (fault,) = faults_of(WEBHOOK_URLS="https://a.example/")
    assert fault.startswith("WEBHOOK_SECRET: must be set with WEBHOOK_URLS")
    assert faults_of(**SIGNED) == ["WEBHOOK_SECRET: has no effect without WEBHOOK_URLS"]


def test_targets_of_apprise_are_between_blanks_or_commas_and_may_have_commas() -> None:
    text = "json://a.example/x,y , json://b.example/\njson://c.example,json://a.example/x,y"
    urls = ("json://a.example/x,y", "json://b.example/", "json://c.example")
    assert read_settings({"APPRISE_URLS": text}).apprise_urls == urls


@pytest.mark.parametrize("url", ["hunter2://a", "tgram://hunter2", "https://a.example/hunter2"])
def test_a_target_that_apprise_does_not_know_is_told_by_its_position_and_not_repeated(
    url: str,
) -> None:
    (fault,) = faults_of(APPRISE_URLS=f"json://a.example {url}")
    assert fault.startswith("APPRISE_URLS: address 2 of 2 is none of a service that Apprise knows")
    assert "hunter2" not in fault
