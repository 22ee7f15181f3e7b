import pytest
from multidict import CIMultiDict

from server.github.limits import Broken, GoodAnswer, Meaning, NoSuchThing, NotNow, read_answer

NOW_S = 1_741_078_800.0


def answer(status: int, text: str = "", **headers: str) -> Meaning:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return read_answer(status, named, text.encode(), NOW_S)


def test_a_good_answer_can_be_read() -> None:
    assert answer(200, x_ratelimit_remaining="4999") == GoodAnswer(0.0)


def test_after_the_last_answer_of_the_hour_nothing_more_is_asked() -> None:
    reset = str(int(NOW_S) + 120)
    assert answer(200, x_ratelimit_remaining="0", x_ratelimit_reset=reset) == GoodAnswer(120.0)


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_says_how_long_to_wait(status: int) -> None:
    reset = str(int(NOW_S) + 120)
    assert answer(status, retry_after="17") == NotNow("the rate limit", 17.0)
    used_up = answer(status, x_ratelimit_remaining="0", x_ratelimit_reset=reset)
    assert used_up == NotNow("the rate limit", 120.0)
    text = '{"message": "You have exceeded a secondary rate limit."}'
    assert answer(status, text) == NotNow("the rate limit", 60.0)


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({"retry_after": "soon"}, 60.0),
        ({"retry_after": "-5"}, 1.0),
        ({"retry_after": "1e99"}, 3700.0),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "?"}, 60.0),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "0"}, 1.0),
        ({"x_ratelimit_remaining": "0"}, 60.0),
    ],
)
def test_a_pause_is_neither_nothing_nor_for_ever(headers: dict[str, str], pause_s: float) -> None:
    assert answer(403, **headers) == NotNow("the rate limit", pause_s)


def test_what_the_token_may_not_see_is_not_asked_again() -> None:
    text = '{"message": "Resource not accessible by personal access token"}'
    assert isinstance(answer(403, text, x_ratelimit_remaining="4000"), NoSuchThing)


def test_a_wrong_token_is_named_and_tried_again_much_later() -> None:
    assert answer(401) == NotNow("GITHUB_TOKEN is wrong or has expired", 600.0)


@pytest.mark.parametrize("status", [304, 404, 409, 410, 422, 451])
def test_what_is_not_there_is_not_asked_again(status: int) -> None:
    assert isinstance(answer(status), NoSuchThing)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_of_github_may_pass(status: int) -> None:
    assert isinstance(answer(status), Broken)
