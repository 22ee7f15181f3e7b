"""The table engine_deaths: what is known of the entries that the engine may have died of."""

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import engine_deaths

_ONLY = 1


class EngineDeaths(msgspec.Struct, frozen=True):
    """What the last deaths of the engine tell.

    `one_by_one_to`: up to this entry, no two entries are in flight together.

    `died_of`: the entry that the engine has died of once, alone with it.
    """

    one_by_one_to: int = 0
    died_of: int | None = None


async def get(tx: AsyncConnection) -> EngineDeaths:
    """Return what is known."""
    row = (await tx.execute(select(engine_deaths.c.one_by_one_to, engine_deaths.c.died_of))).first()
    return EngineDeaths() if row is None else EngineDeaths(row.one_by_one_to, row.died_of)


async def put(tx: AsyncConnection, deaths: EngineDeaths) -> None:
    """Store what is known now."""
    values = msgspec.structs.asdict(deaths)
    await tx.execute(
        insert(engine_deaths)
        .values(id=_ONLY, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )
