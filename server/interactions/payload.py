"""Reads what Slack says about a press of a button. Pure."""

from urllib.parse import parse_qs

import msgspec

from server.notify.masking import masked_line
from server.notify.slack.buttons import PRESSES, Press, read_value

MAX_NAME = 80


class InvalidInteraction(ValueError):
    """This is not what Slack sends when somebody presses a button."""


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody pressed a button below an incident; `by` is their name.

    `commit_id` is the suspect that they judged, or "". `answer_url` takes an answer that only they
    see.
    """

    press: Press
    incident_id: str
    by: str
    answer_url: str
    commit_id: str = ""


class _User(msgspec.Struct):
    id: str
    name: str = ""
    username: str = ""


class _Action(msgspec.Struct):
    action_id: str = ""
    value: str = ""


class _Interaction(msgspec.Struct):
    type: str
    user: _User
    actions: list[_Action] = []
    response_url: str = ""


_decode = msgspec.json.Decoder(_Interaction).decode


def read_form(body: bytes) -> list[Pressed]:
    """Return what was pressed, by the form that Slack posts. Raises `InvalidInteraction`."""
    try:
        form = parse_qs(body.decode(), max_num_fields=10)
    except ValueError as error:
        raise InvalidInteraction(f"the body is not a form: {error}") from error
    if "payload" not in form:
        raise InvalidInteraction("the form has no field `payload`")
    return read_payload(form["payload"][0])


def read_payload(payload: str | bytes | msgspec.Raw) -> list[Pressed]:
    """Return what was pressed, by the payload in JSON; nothing if it tells of something else.

    Slack also tells of buttons that only open a page. Raises `InvalidInteraction`.
    """
    try:
        interaction = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInteraction(f"the payload is not an interaction: {error}") from error
    if interaction.type != "block_actions":
        return []
    return [
        _pressed(interaction, press, each.value)
        for each in interaction.actions
        for press in PRESSES
        if each.action_id == press
    ]


def _pressed(interaction: _Interaction, press: Press, value: str) -> Pressed:
    incident_id, commit_id = read_value(value)
    return Pressed(
        press=press,
        incident_id=incident_id,
        by=_name(interaction.user),
        answer_url=interaction.response_url,
        commit_id=commit_id,
    )


def _name(user: _User) -> str:
    """Return who pressed, so that nobody takes the name for that of a person of PushLog."""
    return f"{masked_line(user.name or user.username or user.id, MAX_NAME)} (Slack)"
