"""Secrets of common shapes are masked; sentences that only speak of them are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.masking import cut, masked_line, printable, without_query_values, without_secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=hunter2", "password=***"),
        ("DB_PASSWORD: 'hunter2'", "DB_PASSWORD: ***"),
        ('{"api_key": "abc", "cart": 17}', '{"api_key": ***, "cart": 17}'),
        ("token=abc&cart=17", "token=***&cart=17"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***"),
        ("authorization: Basic YWRhOmh1bnRlcjI=", "authorization: Basic ***"),
        ("postgres://ada:hunter2@db:5432/shop", "postgres://ada:***@db:5432/shop"),
        ("bad credentials: ghp_0123456789abcdefghijABCDEFGHIJ", "bad credentials: ***"),
        ("key AKIAIOSFODNN7EXAMPLE was refused", "key *** was refused"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_def", "jwt ***"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END", "-----BEGIN PRIVATE KEY----- ***-----END"),
    ],
)
def test_a_secret_is_masked(text: str, masked: str) -> None:
    assert without_secrets(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Unexpected token: expected a name",
        "KeyError: 'password'",
        "Basic authentication failed",
        "the password is wrong",
        "https://shop.example/cart?page=2",
        "secret: must be set",
    ],
)
def test_a_sentence_about_secrets_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_the_query_of_an_address_keeps_its_names() -> None:
    url = "https://ada:pw@shop.example:8443/pay?card=4111&x=1&flag#top"
    assert without_query_values(url) == "https://shop.example:8443/pay?card=***&x=***&flag"
    assert without_query_values("http://[broken") == "***"


@given(st.text())
def test_masking_again_changes_nothing_and_what_is_shown_is_printable(text: str) -> None:
    once = without_secrets(printable(text))
    assert without_secrets(printable(once)) == once
    assert len(masked_line(text, 50)) <= 50
    assert "\n" not in masked_line(text, 50)


@pytest.mark.parametrize(
    "piece", ["a", "a-", "password", "= ", "://", "a:", "eyJ", "'", "Bearer ", "-----BEGIN "]
)
def test_long_text_that_only_begins_like_a_secret_stays(piece: str) -> None:
    """The start of a secret, over and over: a pattern could backtrack forever on it."""
    text = piece * (40_000 // len(piece))
    assert without_secrets(text) == text
    assert without_secrets(f"{text}\npassword=hunter2") == f"{text}\npassword=***"


def test_a_text_of_the_longest_length_stays_whole() -> None:
    assert (cut("abcd", 4), cut("abcde", 4)) == ("abcd", "abc…")
