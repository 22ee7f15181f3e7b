"""Passwords: which are good enough (by zxcvbn), and their hashes (Argon2id, by argon2-cffi)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 200
"""Far longer than anybody types. Hashing a megabyte would keep a core busy."""

_WEIGHED_LENGTH = 72
"""How much zxcvbn looks at: it takes much longer for more. What is enough stays enough."""

_MIN_SCORE = 2
"""Of zxcvbn: more than a million guesses. Whoever tries them one by one is slowed down before."""


def fault_of(password: str, *known: str) -> str | None:
    """Return why the password is not allowed, in sentences; `known` is what anybody tries first.

    Passwords must be long and not among the first that are tried, but need no certain characters,
    as in NIST SP 800-63B, section 5.1.1.2.
    """
    if len(password) < MIN_LENGTH:
        return f"The password must have at least {MIN_LENGTH} characters."
    if len(password) > MAX_LENGTH:
        return f"The password must have at most {MAX_LENGTH} characters."
    # The lists of common words take memory, and are needed when somebody sets a password.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    weighed = zxcvbn(password[:_WEIGHED_LENGTH], [*known, "pushlog"])
    if weighed["score"] < _MIN_SCORE:
        return f"This password is too easy to guess. {weighed['feedback']['warning']}".rstrip()
    return None


class Passwords:
    """Makes and compares hashes in a thread, one at a time: each takes 64 MiB for about 50 ms."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Use the costs of `hasher`, or by default those of the library."""
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Lock()

    async def hash(self, password: str) -> str:
        """Return what may be stored of `password`."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, hashed: str | None, password: str) -> bool:
        """Return whether `password` belongs to this hash; it takes as long if there is no hash."""
        async with self._turn:
            return await asyncio.to_thread(self._verify, hashed, password)

    def outdated(self, hashed: str) -> bool:
        """Return whether a hash has other costs than those in force, and should be made anew."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str | None, password: str) -> bool:
        if hashed is None:
            self._hasher.hash(password)
            return False
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
