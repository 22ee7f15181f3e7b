"""The state of Sentry's setup is described only as far as it is known."""

import pytest

from server.wording.set_up import SentrySigns, is_only_here, sentry_steps
from tests.builders import at


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("https://pushlog.example.com", False),
        ("https://localhost.example.com", False),
        ("http://10.0.0.7:3000", False),
    ],
)
def test_an_address_of_this_machine_is_told_from_others(url: str, expected: bool) -> None:
    assert is_only_here(url) is expected


def test_a_secret_that_no_webhook_has_proved_is_not_called_proved() -> None:
    secret = sentry_steps(secret_is_set=True, last=None, signature=None, signs=SentrySigns())[1]
    assert secret.said == "It is set; no webhook has confirmed it yet."


def test_a_webhook_without_a_signature_says_why_that_may_be() -> None:
    steps = sentry_steps(secret_is_set=True, last=at(0), signature="missing", signs=SentrySigns())
    assert steps[1].state == "wrong"
    assert "a proxy drops headers" in steps[1].said


def test_what_was_not_seen_says_how_far_was_looked() -> None:
    signs = SentrySigns(looked_at=1000)
    steps = sentry_steps(secret_is_set=True, last=at(0), signature="verified", signs=signs)
    assert "among the newest 1,000 entries" in steps[2].said
