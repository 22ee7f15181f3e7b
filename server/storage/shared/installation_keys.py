"""Secrets that all servers of an installation agree on, in PostgreSQL."""

from sqlalchemy import text

from server.storage.database import Database, Transaction

_MAKE = text("INSERT INTO installation_keys VALUES (:name, :key) ON CONFLICT DO NOTHING")
_READ = text("SELECT key FROM installation_keys WHERE name = :name")


async def agree(database: Database, name: str, proposed: bytes) -> bytes:
    """Return the key of this name, which is the first that any server proposed."""

    async def work(tx: Transaction) -> bytes:
        await tx.execute(_MAKE, {"name": name, "key": proposed})
        return bytes(await tx.scalar(_READ, {"name": name}) or b"")

    return await database.write_at_once(work)
