"""What happens to incidents, in two or three words. Pure."""

_CHANGES = {
    "opened": "Opened",
    "escalated": "Got worse",
    "joined": "Another issue joined",
    "acknowledged": "Acknowledged",
    "reminded": "Not acknowledged yet",
    "handed_on": "Told to others",
    "resolved": "Resolved",
    "silenced": "Silenced",
    "snoozed": "Snoozed",
    "unsilenced": "No longer silenced",
    "suspect_reverted": "Suspect reverted",
    "fix_live": "Fix is live",
    "ended": "Ended",
}

_NEWS = _CHANGES | {
    "joined": "New errors in it",
    "reminded": "Not acknowledged",
    "handed_on": "Not acknowledged",
}
_OPENED = {
    "new_issue": "New issue",
    "spike": "Spike",
    "regression": "Came back",
    "deploy": "Deploy",
    "alert": "Alert",
}
"""What it is when an incident opens, by its trigger."""


_DID = {
    "opened": "opened",
    "escalated": "got worse",
    "joined": "took in new errors",
    "reminded": "not acknowledged",
    "handed_on": "not acknowledged",
    "suspect_reverted": "had a suspect reverted",
    "fix_live": "got its fix",
    "ended": "ended",
}


def change_words(change: str) -> str:
    """A change of an incident, for its timeline."""
    return _CHANGES[change]


def news_words(change: str) -> str:
    """A change of an incident, for somebody who is told of it."""
    return _NEWS[change]


def bell_words(change: str, trigger: str | None) -> str:
    """The same for the bell: an incident that opens is named by what opened it.

    Without a trigger, it is about a trouble of PushLog itself.
    """
    if trigger is None:
        return "PushLog is well again" if change == "ended" else "PushLog needs help"
    return _OPENED.get(trigger, _NEWS[change]) if change == "opened" else news_words(change)


def did_words(change: str) -> str:
    """What an incident did, as the end of a sentence."""
    return _DID[change]
