"""The log: one event a line, and a flood of one cause folded."""

import io
import logging
from collections.abc import Iterator

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from server.bad_http import BadHttp
from server.process import log
from tests.clock import Clock


class Written:
    """What a log that folds by `clock` has written, each line after its time and level."""

    def __init__(self) -> None:
        self.clock = Clock()
        log.folding.fold(self.clock.seconds)
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(log.OneLine())

    @property
    def lines(self) -> list[str]:
        return [line.split(" ", 2)[2] for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def written() -> Iterator[Written]:
    written = Written()
    logger = logging.getLogger("pushlog")
    logger.addHandler(written.handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(written.handler)
    log.folding.fold(None)


def test_the_contract_lines_read_as_the_contract_has_them(written: Written) -> None:
    log.webhook_received("sentry")
    log.webhook_ingested("sentry", "ValueError", "checkout", "production")
    log.incident_opened("inc-0123456789abcdef", "new_issue", "checkout", "production", "ValueError")
    log.child_not_writable("queued")
    log.child_not_writable("dropped")
    log.webhook_error("sentry", "no event", "no event in it")
    assert written.lines == [
        "[webhooks/sentry] Request received",
        "[webhooks/sentry] Ingested: ValueError in checkout/production",
        "[incident-engine] incident inc-0123456789abcdef (new_issue) checkout/production: "
        "ValueError",
        "[incident-engine] child not writable; event queued",
        "[incident-engine] child not writable; event dropped",
        "Sentry webhook error: no event",
    ]


def test_a_flood_of_one_cause_is_ten_lines_a_second_and_a_count(written: Written) -> None:
    for _ in range(100):
        log.webhook_received("sentry")
    assert len(written.lines) == 10
    written.clock.pass_s(1)
    log.webhook_received("sentry")
    assert written.lines[-1] == "[webhooks/sentry] Request received (and 90 more like it)"


def test_what_a_flood_held_back_is_said_when_it_is_over(written: Written) -> None:
    for _ in range(12):
        log.child_not_writable("queued")
    written.clock.pass_s(1)
    log.folding.flush()
    assert written.lines[-1] == (
        "[incident-engine] child not writable; event queued (and 2 more like it)"
    )


def test_a_flood_of_one_cause_hides_no_other(written: Written) -> None:
    for _ in range(100):
        log.webhook_received("sentry")
    log.webhook_received("github")
    assert written.lines[-1] == "[webhooks/github] Request received"


def test_a_sender_who_finds_ever_new_words_gets_ten_lines_a_second_like_any_other(
    written: Written,
) -> None:
    for number in range(60):
        log.webhook_error("sentry", f"{number} is odd", "no event in it")
        log.webhook_noted("github", f"Push to {number}", "No event")
        odd = BadHttpMessage(f"Header {number} is odd: {number}")
        record = logging.LogRecord("aiohttp.server", 40, "", 0, "x", (), (type(odd), odd, None))
        assert not BadHttp().filter(record)
    assert len(written.lines) == 3 * log.LINES_A_SECOND
    written.clock.pass_s(1)
    log.folding.flush()
    assert written.lines[-3:] == [
        "Sentry webhook error: no event in it (and 50 more like it)",
        "[webhooks/github] No event (and 50 more like it)",
        "[server] a request that is no HTTP (and 50 more like it)",
    ]


def test_a_line_that_is_held_back_is_not_made(written: Written) -> None:
    made = 0

    def count(_: logging.LogRecord) -> bool:
        nonlocal made
        made += 1
        return True

    logger = logging.getLogger("pushlog")
    logger.addFilter(count)
    for _ in range(100):
        log.webhook_ingested("sentry", "ValueError", "checkout", "production")
    logger.removeFilter(count)
    assert made == log.LINES_A_SECOND


def test_an_incident_line_is_never_folded(written: Written) -> None:
    for _ in range(100):
        log.incident_opened("inc-0", "spike", "checkout", "production", "ValueError")
    assert len(written.lines) == 100


def test_a_message_of_many_lines_is_one_line_without_control_characters() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "a\nb\x1b[31mc\u2028d é", (), None)
    record.created = 1.5
    assert log.OneLine().format(record) == (
        "1970-01-01T00:00:01.500Z INFO a\\nb\\x1b[31mc\\u2028d é"
    )
