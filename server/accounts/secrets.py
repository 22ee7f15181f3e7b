"""Secrets that stand for a person: of cookies, API tokens and links. Only digests are stored."""

import hashlib
import secrets

TOKEN_PREFIX = "pushlog_"  # noqa: S105 - how scanners of repositories know a token of ours
ENDING = 4

_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are taken for one another."""


def new_secret() -> str:
    """256 bits of chance, fit for a cookie and for an address."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    """A secret for a program."""
    return f"{TOKEN_PREFIX}{secrets.token_urlsafe(32)}"


def new_code() -> str:
    """60 bits of chance for a person to type: ``ABCD-EFGH-JKLM``."""
    letters = "".join(secrets.choice(_CODE_LETTERS) for _ in range(12))
    return "-".join(letters[at : at + 4] for at in range(0, 12, 4))


def digest(secret: str) -> bytes:
    """What is stored and looked up. A plain hash will do: nobody can guess what is hashed."""
    # What is no text at all, in a header say, is the secret of nobody, and no failure.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
