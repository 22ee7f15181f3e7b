"""What Slack says of a press is read, and whatever else comes is refused or left alone."""

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.interactions.payload import InvalidInteraction, Pressed, read_form, read_payload
from tests.fakes.slack import interaction, signed

INCIDENT = "inc-0123456789abcdef"


def test_a_press_says_what_on_which_incident_and_who() -> None:
    body, _ = signed(interaction("snooze", INCIDENT, "ada", "https://hooks.slack.example/1"))
    assert read_form(body) == [
        Pressed(
            press="snooze",
            incident_id=INCIDENT,
            by="ada (Slack)",
            answer_url="https://hooks.slack.example/1",
        )
    ]


def test_an_answer_about_a_suspect_names_the_commit() -> None:
    (pressed,) = read_payload(json.dumps(interaction("wrong_commit", f"{INCIDENT} a b", "ada")))
    assert (pressed.press, pressed.incident_id, pressed.commit_id) == (
        "wrong_commit",
        INCIDENT,
        "a b",
    )


@pytest.mark.parametrize(
    ("user", "by"),
    [
        ({"id": "U1", "username": "ada", "name": ""}, "ada (Slack)"),
        ({"id": "U1"}, "U1 (Slack)"),
        ({"id": "U1", "name": "a\nb" + "c" * 100}, f"a b{'c' * 76}… (Slack)"),
    ],
)
def test_somebody_without_a_name_is_called_by_their_id(user: dict[str, str], by: str) -> None:
    pressed = read_payload(json.dumps(interaction("resolve", INCIDENT, "x") | {"user": user}))
    assert [each.by for each in pressed] == [by]


@pytest.mark.parametrize(
    "payload",
    [
        interaction("open-in-sentry", INCIDENT, "ada"),
        {"type": "view_submission", "user": {"id": "U1"}, "view": {}},
        {"type": "shortcut", "user": {"id": "U1"}},
    ],
)
def test_what_is_no_press_of_ours_is_left_alone(payload: dict[str, Any]) -> None:
    assert read_payload(json.dumps(payload)) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no field `payload`"),
        (b"payload=", "no field `payload`"),
        (b"payload=%7B", "not an interaction"),
        (b"\xff\xfe", "not a form"),
        (b"&".join([b"a=1"] * 20), "not a form"),
        (b"payload=%ff", "not an interaction"),
        (urlencode({"payload": '{"type": "block_actions"}'}).encode(), "user"),
        (urlencode({"payload": '{"type": 1, "user": {"id": "U"}}'}).encode(), "type"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(body: bytes, said: str) -> None:
    with pytest.raises(InvalidInteraction, match=said):
        read_form(body)


@given(st.binary(max_size=200))
def test_no_body_breaks_it(body: bytes) -> None:
    with contextlib.suppress(InvalidInteraction):
        read_form(body)
