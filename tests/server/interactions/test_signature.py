"""Only what Slack signed lately is taken."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.interactions.signature import MAX_AGE_S, why_refused

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmib"
    b"IGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SENT_AT = 1531420618
HEADERS = {
    "X-Slack-Request-Timestamp": str(SENT_AT),
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


def at(seconds: float = 0) -> datetime:
    return datetime.fromtimestamp(SENT_AT + seconds, UTC)


def test_the_example_of_slacks_documentation_is_taken() -> None:
    assert why_refused(SECRET, HEADERS, BODY, at()) is None


@pytest.mark.parametrize("seconds", [MAX_AGE_S, -MAX_AGE_S])
def test_a_request_of_five_minutes_is_taken_and_an_older_one_is_not(seconds: int) -> None:
    assert why_refused(SECRET, HEADERS, BODY, at(seconds)) is None
    beyond = seconds + (1 if seconds > 0 else -1)
    assert "more than 5 minutes" in (why_refused(SECRET, HEADERS, BODY, at(beyond)) or "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"X-Slack-Signature": ""}, "signature missing"),
        ({"X-Slack-Request-Timestamp": ""}, "signature missing"),
        ({"X-Slack-Request-Timestamp": "soon"}, "a number of seconds"),
        ({"X-Slack-Request-Timestamp": "٣" * 10}, "a number of seconds"),
        ({"X-Slack-Request-Timestamp": "9" * 300}, "a number of seconds"),
        ({"X-Slack-Request-Timestamp": str(SENT_AT + 1)}, "Signing Secret"),
        ({"X-Slack-Signature": HEADERS["X-Slack-Signature"].removeprefix("v0=")}, "Signing Secret"),
        ({"X-Slack-Signature": "v0=\udce9"}, "Signing Secret"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(changes: dict[str, str], said: str) -> None:
    assert said in (why_refused(SECRET, HEADERS | changes, BODY, at()) or "")


@given(st.binary(max_size=50), st.text(max_size=20))
def test_nobody_gets_in_without_the_secret(body: bytes, secret: str) -> None:
    if (body, secret) != (BODY, SECRET):
        assert why_refused(secret, HEADERS, body, at()) is not None
