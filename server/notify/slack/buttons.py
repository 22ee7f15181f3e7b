"""The buttons below an incident in Slack. Pure.

Slack says of a press only the button's `action_id` and `value`.
"""

from typing import Literal, get_args

from server.notify.news import IncidentNews, SuspectNews
from shared.incident import SuspectCommit

Act = Literal["acknowledge", "resolve", "snooze"]
Judgement = Literal["right_commit", "wrong_commit"]
Press = Literal[Act, Judgement]
PRESSES: tuple[Press, ...] = get_args(Press)
SNOOZE_MIN = 60

_LABELS: dict[Press, str] = {
    "acknowledge": "Acknowledge",
    "resolve": "Resolve",
    "snooze": "Snooze 1 h",
    "right_commit": "Right commit",
    "wrong_commit": "Wrong commit",
}


def buttons_for(news: IncidentNews) -> dict[str, object] | None:
    """Return the block with what can be done with the incident now, or None if nothing can.

    About its first suspect, people can answer even when it has ended.
    """
    incident = news.incident
    buttons: list[dict[str, object]] = []
    if not news.is_over:
        buttons += [
            _button(each, incident.incident_id)
            for each in get_args(Act)
            if each != "acknowledge" or news.acknowledged_by is None
        ]
    if incident.suspected_causes:
        buttons += _judging(incident.incident_id, incident.suspected_causes[0])
    return {"type": "actions", "elements": buttons} if buttons else None


def buttons_for_author(news: SuspectNews) -> dict[str, object]:
    """Return the block with which the author of a suspect commit says whether it is the cause."""
    return {"type": "actions", "elements": _judging(news.incident.incident_id, news.suspect)}


def read_value(value: str) -> tuple[str, str]:
    """Return the incident and the commit that the value of a button names; "" for none."""
    incident_id, _, commit_id = value.partition(" ")
    return incident_id, commit_id


def _judging(incident_id: str, suspect: SuspectCommit) -> list[dict[str, object]]:
    value = f"{incident_id} {suspect.commit_id}"
    return [_button(each, value) for each in get_args(Judgement)]


def _button(press: Press, value: str) -> dict[str, object]:
    return {
        "type": "button",
        "action_id": press,
        "value": value,
        "text": {"type": "plain_text", "text": _LABELS[press]},
    }
