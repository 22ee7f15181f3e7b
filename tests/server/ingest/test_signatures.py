"""Who may send: each way to sign, each refusal and what it says."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from server.ingest.signatures import (
    GENERIC_HEADER,
    GITHUB_HEADER,
    SENTRY_HEADERS,
    Verdict,
    verify_generic,
    verify_github,
    verify_sentry,
)
from tests.server.ingest.arbitrary import PATIENT

SECRET = "s3cret"
BODY = b'{"a": "\xc3\xbc"}'


def digest(secret: str = SECRET, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(**named: str) -> CIMultiDict[str]:
    return CIMultiDict({name.replace("_", "-"): value for name, value in named.items()})


@pytest.mark.parametrize("header", SENTRY_HEADERS)
def test_each_sentry_header_verifies_the_raw_body(header: str) -> None:
    signed = CIMultiDict({header.lower(): digest()})
    assert verify_sentry((SECRET,), signed, BODY).verdict is Verdict.VERIFIED
    assert verify_sentry((SECRET,), signed, BODY + b" ").verdict is Verdict.WRONG
    assert verify_sentry(("other",), signed, BODY).verdict is Verdict.WRONG


def test_an_empty_body_can_be_signed() -> None:
    signed = headers(Sentry_App_Signature=digest(body=b""))
    assert verify_sentry((SECRET,), signed, b"").passed


def test_any_of_several_secrets_will_do() -> None:
    for secret in ("old", "new"):
        signed = headers(Sentry_Hook_Signature=digest(secret))
        assert verify_sentry(("old", "new"), signed, BODY).passed
    assert not verify_sentry(("old", "new"), headers(Sentry_Hook_Signature=digest()), BODY).passed


def test_without_a_secret_everyone_passes_and_is_called_unsigned() -> None:
    for checked in (
        verify_sentry((), headers(), BODY),
        verify_sentry((), headers(Sentry_Hook_Signature="wrong"), BODY),
        verify_github((), headers(), BODY),
        verify_generic(None, headers()),
    ):
        assert checked.verdict is Verdict.UNSIGNED
        assert checked.passed


def test_a_missing_sentry_signature_says_why_legacy_webhooks_cannot_come() -> None:
    for given_headers in (headers(), headers(Sentry_Hook_Signature="")):
        checked = verify_sentry((SECRET,), given_headers, BODY)
        assert checked.verdict is Verdict.MISSING
        assert not checked.passed
        assert "Sentry-Hook-Signature" in checked.message
        assert "does not sign legacy project webhooks" in checked.message


def test_a_prefix_before_a_sentry_signature_gets_its_own_hint() -> None:
    checked = verify_sentry((SECRET,), headers(Sentry_Hook_Signature=f"sha256={digest()}"), BODY)
    assert checked.verdict is Verdict.WRONG
    assert "without `sha256=`" in checked.message


def test_github_signs_with_a_prefix() -> None:
    right = headers(X_Hub_Signature_256=f"sha256={digest()}")
    assert verify_github(("old", SECRET), right, BODY).passed
    for wrong, verdict in (
        (headers(), Verdict.MISSING),
        (headers(X_Hub_Signature_256=digest()), Verdict.WRONG),
        (headers(X_Hub_Signature_256="sha256="), Verdict.WRONG),
        (headers(X_Hub_Signature_256=f"sha256={digest('other')}"), Verdict.WRONG),
        (headers(X_Hub_Signature=f"sha1={digest()}"), Verdict.MISSING),
    ):
        checked = verify_github((SECRET,), wrong, BODY)
        assert (checked.verdict, checked.passed) == (verdict, False)
        assert checked.message


def test_a_generic_sender_shows_the_secret_itself() -> None:
    assert verify_generic(SECRET, headers(X_Incident_Webhook_Secret=SECRET)).passed
    for wrong, verdict in (
        (headers(), Verdict.MISSING),
        (headers(X_Incident_Webhook_Secret="s3cre"), Verdict.WRONG),
        (headers(X_Incident_Webhook_Secret=SECRET + " "), Verdict.WRONG),
    ):
        checked = verify_generic(SECRET, wrong)
        assert (checked.verdict, checked.passed) == (verdict, False)
        assert GENERIC_HEADER in checked.message


def test_no_refusal_repeats_a_secret_or_a_signature() -> None:
    wrong = "f" * 64
    for checked in (
        verify_sentry((SECRET,), headers(Sentry_Hook_Signature=wrong), BODY),
        verify_github((SECRET,), headers(X_Hub_Signature_256=wrong), BODY),
        verify_generic(SECRET, headers(X_Incident_Webhook_Secret=wrong)),
    ):
        for leaked in (SECRET + " ", digest(), wrong):
            assert leaked not in checked.message


@PATIENT
@given(st.text(st.characters(), min_size=1))
def test_whatever_stands_in_a_header_is_a_verdict(text: str) -> None:
    for name in (*SENTRY_HEADERS, GITHUB_HEADER, GENERIC_HEADER):
        strange = {name: text}
        assert not verify_sentry((SECRET, "ü"), strange, BODY).passed
        assert not verify_github((SECRET, "ü"), strange, BODY).passed
        assert verify_generic("ü", strange).passed == (name == GENERIC_HEADER and text == "ü")
