"""What a mail server's answer means: who is refused for good, and who is tried again."""

import aiosmtplib
import pytest

from server.notify.email.smtp_failures import Failure, failure_of
from server.settings.settings import Smtp

SMTP = Smtp(
    host="mail.example",
    port=587,
    user="ada",
    password="s3cret",
    sender="pushlog@acme.example",
    security="starttls",
    ca_file=None,
)
LATER = (400, 421, 450, 499, 530, 534, 535, 538)
"""Temporary, or about our account: it may be fixed while the mail waits."""
NEVER = (500, 501, 529, 531, 533, 536, 537, 539, 550, 554, 599)


def meaning(error: BaseException) -> Failure:
    return failure_of(error, SMTP, 10)


@pytest.mark.parametrize("code", LATER + NEVER)
def test_a_receiver_is_refused_for_good_only_by_5xx_that_is_not_about_our_login(code: int) -> None:
    refused = aiosmtplib.SMTPRecipientRefused(code, "no\r\nsuch  user", "bob@acme.example")
    for error in (refused, aiosmtplib.SMTPRecipientsRefused([refused])):
        found = meaning(error)
        assert found.permanent == (code in NEVER)
        assert found.reason == f"the receiver bob@acme.example was refused: {code} no such user"
        assert found.advice.startswith("Check the address. If the answer mentions relaying")
        assert found.kind == ("settings" if code in (530, 534, 535, 538) else "message")


@pytest.mark.parametrize("code", LATER + NEVER)
def test_a_mail_is_refused_for_good_only_by_5xx_that_is_not_about_our_login(code: int) -> None:
    found = meaning(aiosmtplib.SMTPDataError(code, "spam"))
    assert found.permanent == (code in NEVER)
    assert found.reason == f"the mail itself was refused: {code} spam"


def test_what_is_wrong_with_the_way_or_the_account_is_never_for_good() -> None:
    for error, kind in (
        (aiosmtplib.SMTPAuthenticationError(535, "no"), "settings"),
        (aiosmtplib.SMTPSenderRefused(550, "no", SMTP.sender), "settings"),
        (aiosmtplib.SMTPResponseException(554, "no"), "connection"),
        (aiosmtplib.SMTPException("no STARTTLS"), "settings"),
        (aiosmtplib.SMTPRecipientsRefused([]), "connection"),
        (TimeoutError(), "connection"),
        (ConnectionRefusedError(111, "[Errno 111] refused"), "connection"),
    ):
        found = meaning(error)
        assert not found.permanent, error
        assert found.kind == kind, error


def test_an_error_means_what_it_was_raised_from() -> None:
    refused = aiosmtplib.SMTPRecipientRefused(550, "no", "bob@acme.example")
    above = aiosmtplib.SMTPServerDisconnected("gone")
    above.__cause__ = refused
    assert meaning(above) == meaning(refused)


def test_the_limit_that_is_named_is_the_one_that_was_waited_for() -> None:
    connecting = aiosmtplib.SMTPConnectTimeoutError("Timed out connecting")
    for error, limit_s, named in (
        (connecting, 60, "15 s"),
        (connecting, 1, "1 s"),
        (aiosmtplib.SMTPReadTimeoutError("Timed out"), 60, "60 s"),
    ):
        reason = failure_of(error, SMTP, limit_s).reason
        assert reason == f"mail.example:587 did not answer within {named}"
