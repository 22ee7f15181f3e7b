"""Checks whether a webhook's sender knows the secret; gives a verdict and what would be right.

Signatures are HMAC-SHA256 over the body as it arrived, compared in constant time. With several
secrets, any one is enough, so that a secret can be replaced without a gap.
"""

import hmac
from collections.abc import Mapping
from enum import StrEnum

import msgspec

SENTRY_HEADERS = ("Sentry-Hook-Signature", "X-ServiceHook-Signature", "Sentry-App-Signature")
GITHUB_HEADER = "X-Hub-Signature-256"
GENERIC_HEADER = "X-Incident-Webhook-Secret"

_PREFIX = "sha256="


class Verdict(StrEnum):
    """The result of checking a signature."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    """No secret is configured, so anyone may send."""
    MISSING = "missing"
    WRONG = "wrong"


class Verification(msgspec.Struct, frozen=True):
    """The verdict; `message` tells a refused sender what would be right."""

    verdict: Verdict
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether the webhook may be taken."""
        return self.verdict in (Verdict.VERIFIED, Verdict.UNSIGNED)


_VERIFIED = Verification(Verdict.VERIFIED)
_UNSIGNED = Verification(Verdict.UNSIGNED)


def verify_sentry(
    secrets: tuple[str, ...], headers: Mapping[str, str], body: bytes
) -> Verification:
    """Check the signature of an integration, a service hook or a UI component.

    The signature is the bare hexadecimal digest. Lookup in `headers` ignores case.
    """
    if not secrets:
        return _UNSIGNED
    given = [header for name in SENTRY_HEADERS if (header := headers.get(name))]
    if not given:
        return Verification(
            Verdict.MISSING,
            "signature missing: SENTRY_WEBHOOK_SECRET is set, so the header Sentry-Hook-Signature "
            "(from an integration) or X-ServiceHook-Signature (from a service hook) is required. "
            "Sentry does not sign legacy project webhooks: use an internal integration instead",
        )
    digests = _digests(secrets, body)
    if any(_matches(header, digests) for header in given):
        return _VERIFIED
    if any(header.startswith(_PREFIX) for header in given):
        return Verification(
            Verdict.WRONG,
            "signature wrong: Sentry sends the bare hexadecimal digest, without `sha256=`",
        )
    return Verification(
        Verdict.WRONG,
        "signature wrong: it must be the hexadecimal HMAC-SHA256 of the body as it was sent, with "
        "the integration's Client Secret as the key. Set SENTRY_WEBHOOK_SECRET to that Client "
        "Secret",
    )


def verify_github(
    secrets: tuple[str, ...], headers: Mapping[str, str], body: bytes
) -> Verification:
    """Check GitHub's signature: `sha256=` and the hexadecimal digest."""
    if not secrets:
        return _UNSIGNED
    header = headers.get(GITHUB_HEADER)
    if not header:
        return Verification(
            Verdict.MISSING,
            f"signature missing: GITHUB_WEBHOOK_SECRET is set, so the header {GITHUB_HEADER} is "
            "required. Set the same secret in the webhook's settings on GitHub",
        )
    if not header.startswith(_PREFIX):
        return Verification(
            Verdict.WRONG, f"signature wrong: {GITHUB_HEADER} must begin with `sha256=`"
        )
    if _matches(header.removeprefix(_PREFIX), _digests(secrets, body)):
        return _VERIFIED
    return Verification(
        Verdict.WRONG,
        "signature wrong: it must be `sha256=` and the hexadecimal HMAC-SHA256 of the body as it "
        "was sent, with the secret in GITHUB_WEBHOOK_SECRET as the key",
    )


def verify_generic(secret: str | None, headers: Mapping[str, str]) -> Verification:
    """Check the shared secret, which generic webhooks send unchanged."""
    if not secret:
        return _UNSIGNED
    given = headers.get(GENERIC_HEADER)
    if not given:
        return Verification(
            Verdict.MISSING,
            f"secret missing: INCIDENT_WEBHOOK_SECRET is set, so the header {GENERIC_HEADER} must "
            "hold the same secret",
        )
    if hmac.compare_digest(_bytes(given), _bytes(secret)):
        return _VERIFIED
    return Verification(
        Verdict.WRONG,
        f"secret wrong: the header {GENERIC_HEADER} must hold the secret in "
        "INCIDENT_WEBHOOK_SECRET",
    )


def _digests(secrets: tuple[str, ...], body: bytes) -> list[bytes]:
    return [hmac.digest(_bytes(secret), body, "sha256").hex().encode() for secret in secrets]


def _matches(signature: str, digests: list[bytes]) -> bool:
    """Return whether `signature` is one of `digests`; compare each, whatever the others gave."""
    given = _bytes(signature)
    return sum(hmac.compare_digest(given, digest) for digest in digests) > 0


def _bytes(text: str) -> bytes:
    # compare_digest refuses text that is not ASCII, and stray bytes of a header come as surrogates.
    return text.encode("utf-8", "surrogatepass")
