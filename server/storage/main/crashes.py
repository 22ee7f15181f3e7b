"""What the outbox knows of our own crashes: the keys of their deliveries begin with the cause."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.main.tables import outbox


def crash_key(cause: str, at: int) -> str:
    """Return how the key of a delivery about this crash begins; `at` is in microseconds."""
    return f"crash/{cause}/{at}"


async def is_told(tx: AsyncConnection, cause: str, since: int) -> bool:
    """Return whether there is a delivery about a crash of this cause after `since`.

    `since` is in microseconds.
    """
    found = await tx.execute(
        select(outbox.c.id)
        # Times of this era all have the same number of digits; "0" is the character after "/".
        .where(outbox.c.key > f"crash/{cause}/{since}0", outbox.c.key < f"crash/{cause}0")
        .limit(1)
    )
    return found.first() is not None
