"""Every kind of trouble that PushLog notices in itself. docs/OPERATIONS.md has the same list."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from shared.event import Severity

Kind = Literal[
    "refusing",
    "engine",
    "database",
    "queue",
    "checkpoint",
    "dead_letters",
    "email",
    "slack",
    "webhook",
    "apprise",
    "disk_85",
    "disk_90",
    "backup",
    "silence",
]


class About(msgspec.Struct, frozen=True):
    """What people are told about a kind of trouble.

    It is told after it has lasted `after_s` seconds. One that is no ``warning`` makes PushLog
    degraded: somebody may not hear of an incident. `advice` says what to do.
    """

    title: str
    severity: Severity
    after_s: float
    advice: str


KINDS: Mapping[str, About] = {
    "refusing": About(
        "Webhooks are refused",
        "critical",
        10,
        "Sentry does not send them again. Run scripts/doctor: it checks the disk, the files and "
        "the engine.",
    ),
    "engine": About(
        "The engine is down",
        "critical",
        30,
        "Nobody is notified of incidents. Accepted events wait, and are decided when the engine "
        "is back. The lines of incident-engine in the log say why it ended.",
    ),
    "database": About(
        "The main database cannot be used",
        "critical",
        30,
        "Nobody is notified of incidents. Accepted events wait in the journal. Run scripts/doctor, "
        "and look for a program that keeps the file locked.",
    ),
    "queue": About(
        "Events wait for their decision",
        "error",
        30,
        "Incidents are noticed late. Look at the load of the machine, and at the lines of "
        "incident-engine in the log.",
    ),
    "checkpoint": About(
        "The engine saves no checkpoint",
        "warning",
        0,
        "After a restart, the engine must decide again what it decided since its last checkpoint, "
        "and until then none of these events can be removed. The log says what cannot be stored.",
    ),
    "dead_letters": About(
        "The engine died of an event",
        "warning",
        0,
        "The event has no decision. Look at the page of dead letters: send the event again after "
        "an upgrade, or discard it.",
    ),
    "email": About(
        "Mails are not delivered",
        "error",
        0,
        "Correct the address or the settings SMTP_*, and try them with scripts/test-email. What "
        "was given up can be sent again on the page of sent messages.",
    ),
    "slack": About(
        "Slack messages are not delivered",
        "error",
        0,
        "Correct the settings SLACK_*, and try them with scripts/test-slack. What was given up can "
        "be sent again on the page of sent messages.",
    ),
    "webhook": About(
        "Webhooks to your programs are not delivered",
        "error",
        0,
        "Look at the log of the receiver, and correct WEBHOOK_URLS and WEBHOOK_SECRET. The page of "
        "settings sends a test. What was given up can be sent again on the page of sent messages.",
    ),
    "apprise": About(
        "Messages by Apprise are not delivered",
        "error",
        0,
        "Correct APPRISE_URLS. The page of settings sends a test. What was given up can be sent "
        "again on the page of sent messages.",
    ),
    "disk_85": About(
        "The disk is 85 % full",
        "warning",
        0,
        "Make room, or set RETENTION_MAX_JOURNAL_MB lower. At 90 % old events are removed early, "
        "and at 95 % webhooks are refused.",
    ),
    "disk_90": About(
        "The disk is 90 % full",
        "error",
        0,
        "Make room: events older than a day are being removed before RETENTION_DAYS says so. At "
        "95 % webhooks are refused.",
    ),
    "backup": About(
        "No backup was made",
        "warning",
        0,
        "Run scripts/backup with the folder of BACKUP_FOLDER, as the user that PushLog runs as, "
        "and mend what it says. PushLog tries again every hour.",
    ),
    "silence": About(
        "A source has gone silent",
        "warning",
        0,
        "Look at the source's own settings and log: whether it still sends webhooks here, and what "
        "they are answered. The page of received webhooks shows what came last.",
    ),
}


class Symptom(msgspec.Struct, frozen=True):
    """A sign of a trouble that is there now; `text` says what is wrong."""

    kind: Kind
    text: str


def degrades(severity: Severity) -> bool:
    """Return whether somebody may not hear of an incident while such a trouble is there."""
    return severity != "warning"
