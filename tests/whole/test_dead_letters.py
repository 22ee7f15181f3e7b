"""From an event that crashes the engine to the page on which somebody settles it."""

from pathlib import Path

from aiohttp import ClientSession

from tests.processes import running_server
from tests.scripts.test_dead_letters import POISONED, send_poison
from tests.signed_in import AS_OPERATOR


async def test_what_the_engine_died_of_is_on_the_page_until_it_is_settled(tmp_path: Path) -> None:
    async with (
        running_server(tmp_path, env={"INCIDENT_ENGINE_BIN": POISONED}) as server,
        ClientSession(headers=AS_OPERATOR) as http,
    ):
        page = f"{server.url}/deliveries/dead-letters"

        async def shown() -> str:
            async with http.get(page) as response:
                assert response.status == 200
                return await response.text()

        assert "No dead letters are waiting" in await shown()
        first = await send_poison(server)
        assert "the engine died of it twice" in await shown()
        assert "Poison" in await shown()

        since = server.log.position()
        async with http.post(f"{page}/{first}/replay") as response:
            assert str(response.url) == page
        await server.log.wait_for(r"entry \d+ is set aside", since=since)
        (again,) = {f"letter-{number}" for number in range(9)} & set((await shown()).split('"'))
        assert again != f"letter-{first}"

        async with http.post(f"{page}/{again.removeprefix('letter-')}/discard") as response:
            assert "No dead letters are waiting" in await response.text()
