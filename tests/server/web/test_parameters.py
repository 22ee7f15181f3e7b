"""A parameter that an address does not take is a mistake, and is not taken for no filter."""

import pytest
from aiohttp import web

from server.web.parameters import PARAMETERS
from server.web.routes import routes
from tests.server.web.conftest import Client
from tests.server.web.test_auth import filled, named, plain

READING = [each for each in routes() if each.path.startswith("/api/") and each.method == "GET"]


@pytest.mark.parametrize("route", READING, ids=named)
async def test_an_unknown_parameter_is_refused_with_those_that_there_are(
    client: Client, route: web.RouteDef
) -> None:
    async with client.get(filled(route), params={"q": "x", "limit": "1"}) as response:
        assert response.status == 400
        error = (await response.json())["error"]
    assert error.startswith("`q` is not a parameter of this address; it takes ")
    for name in PARAMETERS.get(route.path, ()):
        assert f"`{name}`" in error


def test_only_addresses_that_exist_take_parameters() -> None:
    assert set(PARAMETERS) <= {plain(each) for each in routes()}


@pytest.mark.parametrize("path", [each for each in PARAMETERS if "stream" not in each])
async def test_each_parameter_is_taken(client: Client, path: str) -> None:
    method = "POST" if path.endswith("read-all") else "GET"
    for name in PARAMETERS[path]:
        async with client.request(method, path, params={name: ""}) as response:
            assert response.status == 200, name
