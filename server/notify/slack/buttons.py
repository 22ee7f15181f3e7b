"""The buttons below an incident in Slack. Pure.

Slack says of a press only the button's `action_id` and `value`.
"""

from typing import Literal, get_args

from server.notify.news import IncidentNews

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
    if news.change != "ended":
        buttons += [
            _button(each, incident.incident_id)
            for each in get_args(Act)
            if each != "acknowledge" or news.acknowledged_by is None
        ]
    if incident.suspected_causes:
        value = f"{incident.incident_id} {incident.suspected_causes[0].commit_id}"
        buttons += [_button(each, value) for each in get_args(Judgement)]
    return {"type": "actions", "elements": buttons} if buttons else None


def read_value(value: str) -> tuple[str, str]:
    """Return the incident and the commit that the value of a button names; "" for none."""
    incident_id, _, commit_id = value.partition(" ")
    return incident_id, commit_id


def _button(press: Press, value: str) -> dict[str, object]:
    return {
        "type": "button",
        "action_id": press,
        "value": value,
        "text": {"type": "plain_text", "text": _LABELS[press]},
    }
