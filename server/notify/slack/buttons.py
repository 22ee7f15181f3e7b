"""The buttons below an incident in Slack. Pure.

Slack says of a press only the button's `action_id` and `value`.
"""

from typing import Literal, get_args

from server.notify.news import IncidentNews

Press = Literal["acknowledge", "resolve", "snooze"]
PRESSES: tuple[Press, ...] = get_args(Press)
SNOOZE_MIN = 60

_LABELS: dict[Press, str] = {
    "acknowledge": "Acknowledge",
    "resolve": "Resolve",
    "snooze": "Snooze 1 h",
}


def buttons_for(news: IncidentNews) -> dict[str, object] | None:
    """Return the block with what can be done with the incident now, or None if it has ended."""
    if news.change == "ended":
        return None
    shown = [each for each in PRESSES if each != "acknowledge" or news.acknowledged_by is None]
    return {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": each,
                "value": news.incident.incident_id,
                "text": {"type": "plain_text", "text": _LABELS[each]},
            }
            for each in shown
        ],
    }
