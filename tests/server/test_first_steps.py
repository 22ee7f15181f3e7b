import pytest

from server.first_steps import first_steps
from server.settings.settings import read_settings


def text_for(port: int = 3000, code: str | None = None, **environ: str) -> str:
    return first_steps(read_settings(environ), port, code)


def test_it_names_the_pages_the_webhook_and_a_line_to_paste() -> None:
    lines = [line.split("   ") for line in text_for().splitlines()]
    values = [line[-1].strip() for line in lines if len(line) > 1]
    assert values == [
        "http://localhost:3000/",
        "http://localhost:3000/api/webhooks/sentry",
        "scripts/send-sentry-webhook",
    ]


def test_where_any_free_port_was_asked_for_it_names_the_one_that_was_got() -> None:
    text = text_for(40123, PORT="0")
    assert "http://localhost:40123/\n" in text
    assert "scripts/send-sentry-webhook --url http://localhost:40123/api/webhooks/sentry" in text
    assert ":0" not in text


def test_sentry_is_sent_to_the_public_address() -> None:
    text = text_for(PUBLIC_URL="https://pushlog.example")
    assert " https://pushlog.example/api/webhooks/sentry\n" in text
    assert " http://localhost:3000/\n" in text


@pytest.mark.parametrize(
    ("host", "address"),
    [("::", "localhost"), ("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "[2001:db8::7]")],
)
def test_an_address_is_one_that_a_browser_can_open(host: str, address: str) -> None:
    assert f" http://{address}:3000/\n" in text_for(HOST=host)


def test_it_says_plainly_what_is_unsigned() -> None:
    sentry, github = "SENTRY_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET"
    generic = "INCIDENT_WEBHOOK_SECRET"
    assert f"because\n  {sentry}, {generic} and {github} are not set" in text_for()
    some = text_for(SENTRY_WEBHOOK_SECRET="s3cret")
    assert f"because\n  {generic} and {github} are not set" in some
    most = text_for(SENTRY_WEBHOOK_SECRET="s3cret", GITHUB_WEBHOOK_SECRET="s5cret")
    assert f"because\n  {generic} is not set" in most
    signed = text_for(
        SENTRY_WEBHOOK_SECRET="s3cret",
        GITHUB_WEBHOOK_SECRET="s5cret",
        INCIDENT_WEBHOOK_SECRET="s4cret",
    )
    assert "unsigned" not in signed


def test_it_shows_no_secret() -> None:
    text = text_for(SENTRY_WEBHOOK_SECRET="hunter2")
    assert "hunter2" not in text
    assert "scripts/send-sentry-webhook --secret YOUR-SECRET" in text
