"""What the engine died of is kept for the next server."""

from server.storage.database import Transaction
from server.storage.main import engine_deaths
from server.storage.main.engine_deaths import EngineDeaths


async def test_at_the_beginning_it_died_of_nothing(tx: Transaction) -> None:
    assert await engine_deaths.get(tx) == EngineDeaths(one_by_one_to=0, died_of=None)


async def test_only_the_newest_is_kept(tx: Transaction) -> None:
    for known in (EngineDeaths(7), EngineDeaths(9, died_of=8), EngineDeaths(9)):
        await engine_deaths.put(tx, known)
        assert await engine_deaths.get(tx) == known
