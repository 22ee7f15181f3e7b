"""Settings of reminders: when people are told again, and whom to tell then.

The functions raise `ValueError` with the rule that is broken.
"""

from typing import get_args

import msgspec

from server.settings.values import list_of_names
from shared.event import Severity

LONGEST_MIN = 7 * 24 * 60

MinutesBySeverity = dict[Severity, int]


class Reminding(msgspec.Struct, frozen=True, kw_only=True):
    """After how many minutes without an acknowledgement people are told again, by severity.

    `escalate_to` are told then: mail addresses and channels of Slack.
    """

    remind_after_min: MinutesBySeverity = {}
    escalate_after_min: MinutesBySeverity = {}
    escalate_to: tuple[str, ...] = ()


def minutes_by_severity(text: str) -> MinutesBySeverity:
    """Return the minutes for each severity that is named, like ``critical=15, error=60``."""
    found: MinutesBySeverity = {}
    for part in list_of_names(text):
        name, _, minutes = (each.strip() for each in part.partition("="))
        for severity in get_args(Severity):
            if name == severity and minutes.isdecimal() and 1 <= int(minutes) <= LONGEST_MIN:
                found[severity] = int(minutes)
                break
        else:
            raise ValueError(
                "each part must be like critical=15 (warning, error or critical; 1 to "
                f"{LONGEST_MIN} minutes), not {part!r}"
            )
    return found


def is_mail_address(receiver: str) -> bool:
    """Return whether this one of `escalate_to` is a mail address, and no channel of Slack."""
    return "@" in receiver and not receiver.startswith(("#", "@"))
