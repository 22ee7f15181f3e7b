"""The address in a mail that ends these mails. Pure. It works without signing in.

Its token is made of the receiver's mail address with a key that only this installation has. So it
tells nothing to a reader of a log, cannot be guessed, and is valid only as long as the address.
"""

import hmac
from collections.abc import Iterable

from server.storage.main.people import Person


def token_for(address: str, key: bytes) -> str:
    """Return the token in the address for this receiver."""
    return hmac.new(key, f"end mails to {address.casefold()}".encode(), "sha256").hexdigest()[:40]


def unsubscribe_url(address: str, key: bytes, public_url: str) -> str:
    """Return the address at which this receiver can end these mails."""
    return f"{public_url}/unsubscribe/{token_for(address, key)}"


def whose(token: str, key: bytes, people: Iterable[Person]) -> Person | None:
    """Return the person to whom a mail with this token was sent, by their address now."""
    for person in people:
        if person.email is not None and hmac.compare_digest(
            token_for(person.email, key).encode(), token.encode()
        ):
            return person
    return None
