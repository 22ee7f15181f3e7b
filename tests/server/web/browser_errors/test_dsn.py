"""A DSN says where errors go, and pages get no more of it than they need."""

import pytest

from server.web.browser_errors.dsn import read_dsn
from server.web.browser_errors.envelope import dsn_of


@pytest.mark.parametrize(
    ("text", "public", "envelope_url"),
    [
        (
            "https://abc@o1.ingest.sentry.example/42",
            "https://abc@o1.ingest.sentry.example/42",
            "https://o1.ingest.sentry.example/api/42/envelope/",
        ),
        (
            "http://abc@127.0.0.1:9000/7",
            "http://abc@127.0.0.1:9000/7",
            "http://127.0.0.1:9000/api/7/envelope/",
        ),
        (
            "https://abc@acme.example/sentry/eu/7",
            "https://abc@acme.example/sentry/eu/7",
            "https://acme.example/sentry/eu/api/7/envelope/",
        ),
        (
            "https://abc:hunter2@sentry.example/7?x=1",
            "https://abc@sentry.example/7",
            "https://sentry.example/api/7/envelope/",
        ),
    ],
)
def test_a_dsn_is_read_without_its_secret(text: str, public: str, envelope_url: str) -> None:
    dsn = read_dsn(text)
    assert (dsn.public, dsn.envelope_url) == (public, envelope_url)


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"{", b"{}", b"[]", b'{"dsn": 7}', b'\n{"dsn": "x"}', b'{"dsn": "\xff"}']
)
def test_what_names_no_dsn_is_for_none(body: bytes) -> None:
    assert dsn_of(body) is None


def test_the_header_says_for_whom_an_envelope_is() -> None:
    assert dsn_of(b'{"event_id": "1", "dsn": "x"}\n{"dsn": "y"}\n') == "x"
