"""Secrets that stand for a person, in cookies, API tokens and links. Only digests are stored."""

import hashlib
import secrets

TOKEN_PREFIX = "pushlog_"  # noqa: S105 - how scanners of repositories know a token of ours
ENDING = 4

_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without letters and digits that are mistaken for one another."""


def new_secret() -> str:
    """Return 256 random bits, fit for a cookie and for an address."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    """Return a secret for a program."""
    return f"{TOKEN_PREFIX}{secrets.token_urlsafe(32)}"


def new_code() -> str:
    """Return 60 random bits for a person to type: ``ABCD-EFGH-JKLM``."""
    letters = "".join(secrets.choice(_CODE_LETTERS) for _ in range(12))
    return "-".join(letters[at : at + 4] for at in range(0, 12, 4))


def digest(secret: str) -> bytes:
    """Return what is stored and looked up; a plain hash is enough for what nobody can guess."""
    # What is not text at all, in a header for example, is nobody's secret, and not a failure.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
