"""The table tries: how often a secret was tried, on all servers together. Only in PostgreSQL."""

import hashlib
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_COUNT = text("SELECT count_try(:name, :most, :span)")
_FORGET = text("DELETE FROM tries WHERE name = :name")


async def count(tx: AsyncConnection, keys: tuple[str, ...], most: int, span: timedelta) -> float:
    """Count a try, if fewer than `most` were counted within `span`.

    Return 0, or for how many seconds none is allowed.
    """
    asked = {"name": _name(keys), "most": most, "span": span}
    return float(await tx.scalar(_COUNT, asked) or 0)


async def forget(tx: AsyncConnection, keys: tuple[str, ...]) -> None:
    """Forget the tries of this name."""
    await tx.execute(_FORGET, {"name": _name(keys)})


def _name(keys: tuple[str, ...]) -> bytes:
    """Return what is kept of mail and network addresses: no more than is needed to count."""
    joined = "\0".join(keys).encode(errors="surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).digest()
