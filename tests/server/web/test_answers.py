"""The API's answers to three weeks of events change only if somebody intends it."""

from pathlib import Path

import pytest
from pytest_aiohttp import AiohttpClient

from tests import records
from tests.server.web.answers import RECORD, told
from tests.server.web.conftest import SIGNED_IN, build


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_api_answers_as_it_did_when_it_was_recorded(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    postgres = request.getfixturevalue("postgres_url") if kind == "postgresql" else None
    client = await aiohttp_client(build(tmp_path, postgres=postgres), cookies=SIGNED_IN)
    records.compare(RECORD, [line async for line in told(client)])
