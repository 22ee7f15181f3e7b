"""The document describes what there is: no more, no less."""

from typing import Any

import pytest
from aiohttp import web

from server.app import build_app
from server.settings.settings import read_settings
from server.web.api.openapi import document, read_routes
from server.web.api.operations import OPERATIONS
from server.web.parameters import PARAMETERS
from tests.server.web.conftest import Client


@pytest.fixture
def app() -> web.Application:
    return build_app(read_settings({}))


@pytest.fixture
def described(app: web.Application) -> dict[str, Any]:
    return document(tuple(read_routes(app)), "pushlog-3000")


def test_every_route_of_the_api_is_declared_and_the_reverse(app: web.Application) -> None:
    assert sorted(each.key for each in read_routes(app)) == sorted(OPERATIONS)


def test_every_operation_has_a_name_of_its_own(app: web.Application) -> None:
    names = [each.name for each in read_routes(app)]
    assert len(set(names)) == len(names) > 50


async def test_the_document_is_served_with_the_name_of_the_cookie(client: Client) -> None:
    async with client.get("/api/openapi.json") as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        served = await response.json()
    assert served["openapi"] == "3.1.0"
    assert served["components"]["securitySchemes"] == {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "pushlog-3000"},
    }


@pytest.mark.parametrize(
    ("path", "method", "ways"),
    [
        ("/api/incidents", "get", ["token", "session"]),
        ("/api/people/{id}", "put", ["token", "session"]),
        ("/api/account/tokens", "post", ["session"]),
        ("/api/webhooks/sentry", "post", []),
    ],
)
def test_each_operation_says_who_may_use_it(
    described: dict[str, Any], path: str, method: str, ways: list[str]
) -> None:
    operation = described["paths"][path][method]
    assert [name for each in operation["security"] for name in each] == ways
    assert "401" in operation["responses"]


def test_each_parameter_that_is_taken_is_described(described: dict[str, Any]) -> None:
    for path, taken in PARAMETERS.items():
        (operation,) = described["paths"][path].values()
        named = [each["name"] for each in operation["parameters"] if each["in"] == "query"]
        assert named == list(taken), path


def test_a_part_of_a_path_that_is_a_number_is_described_as_one(described: dict[str, Any]) -> None:
    operation = described["paths"]["/api/deploys/{id}"]["get"]
    assert operation["parameters"] == [
        {
            "name": "id",
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
        }
    ]


def test_the_stream_is_described_as_events(described: dict[str, Any]) -> None:
    operation = described["paths"]["/api/notifications/stream"]["get"]
    assert list(operation["responses"]["200"]["content"]) == ["text/event-stream"]
