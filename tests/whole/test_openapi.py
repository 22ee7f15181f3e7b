"""The running server keeps what its OpenAPI document promises, whatever it is asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import schemathesis
from argon2 import PasswordHasher
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from server.storage.database import open_database
from server.storage.main import accounts
from tests.databases import make_database
from tests.processes import ServerProcess, running_server
from tests.signed_in import AS_OPERATOR, cookie
from tests.whole.decided import all_decided

EXAMPLES = 3
"""For each operation: it is the number of operations that finds something, and tests are cheap."""

AS_DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

LEFT_OUT = {
    # The stream never ends, so nobody can read its answer to the end.
    "GET /api/notifications/stream",
    # These would end the tests' own session and token; from then on, everything would be 401.
    "DELETE /api/account/sessions/{id}",
    "DELETE /api/account/tokens/{id}",
}

FOR_ANYBODY = {
    # They check a signature instead. They take any parameter, which a sender may add, and of a
    # malformed body what can be read, so that no event is lost.
    "POST /api/webhooks/sentry",
    "POST /api/webhooks/incidents",
    "POST /api/webhooks/github",
    # As the others, but without a secret it takes nothing.
    "POST /api/slack/interactions",
}

EVENT = {
    "source": "curl",
    "service": "shop",
    "environment": "production",
    "timestamp": "2025-03-04T09:00:00Z",
    "severity": "error",
    "exception_type": "OutOfStock",
    "message": "no more teapots",
    "stacktrace": [{"file": "shop/cart.py", "function": "add", "line": 42, "in_app": True}],
}
DEPLOY = {
    "service": "shop",
    "environment": "production",
    "change_window": {
        "deploy_time": "2025-03-04T08:55:00Z",
        "deploy_id": "a1b2c3d4",
        "repository": "acme/shop",
        "commits": [{"id": "a1b2c3d4", "message": "Sell teapots", "files": ["shop/cart.py"]}],
    },
}


class Api:
    """A server, the operations of its document, and values of what is in it for their paths."""

    def __init__(self, url: str, document: dict[str, Any], there: dict[str, Any]) -> None:
        schema = schemathesis.openapi.from_dict(document)
        # The tests themselves say who they are.
        schema.config.generation.with_security_parameters = False
        read = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
        found = {each.label: each for each in read}
        assert found.keys() >= LEFT_OUT | FOR_ANYBODY
        self.operations = [each for name, each in found.items() if name not in LEFT_OUT]
        self._url = url
        self._there = there

    def ask(self, case: Case[Any], *, signed_in: bool = True) -> schemathesis.Response:
        """Send the request, as the operator or as nobody; where no token is enough, by a cookie."""
        # Any other header would be of HTTP itself, and its mistakes are not answered by the API.
        described = {each.name for each in case.operation.headers}
        for name in case.headers.keys() - described:
            del case.headers[name]
        if not signed_in:
            return case.call(base_url=self._url)
        if case.operation.definition.raw["security"] == [{"session": []}]:
            return case.call(base_url=self._url, cookies=cookie(0))
        return case.call(base_url=self._url, headers=AS_OPERATOR)

    def for_each(
        self,
        mode: GenerationMode,
        check: Callable[[Case[Any]], None],
        *,
        but: Collection[str] = (),
        examples: int = EXAMPLES,
    ) -> None:
        """Give `check` some requests of each operation, the same ones each time.

        In valid requests, the paths name what is there. What removes it comes last.
        """
        promise = settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        for operation in sorted(self.operations, key=lambda each: each.method == "delete"):
            if operation.label in but:
                continue
            there = {
                name: value
                for name, value in self._there.items()
                if f"{{{name}}}" in operation.path
            }
            fixed = there if mode is GenerationMode.POSITIVE else None
            strategy = operation.as_strategy(mode, path_parameters=fixed or None)
            promise(given(strategy)(check))()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """A server that has an account, and an error after a deploy."""
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("any password")
    path = make_database(tmp_path / "pushlog.db")
    async with open_database(path) as database, database.write() as tx:
        await accounts.add_first(tx, name="Ada", email="ada@acme.example", hashed=hashed)
    async with (
        running_server(tmp_path, env={"ENABLE_TEST_ROUTES": "true"}) as server,
        aiohttp.ClientSession(server.url, headers=AS_OPERATOR) as http,
    ):
        there = await fill(server, http)
        async with http.get("/api/openapi.json") as response:
            document = await response.json()
        yield Api(server.url, document, there)


async def fill(server: ServerProcess, http: aiohttp.ClientSession) -> dict[str, Any]:
    """Put something in it, and return what the paths of requests may name."""
    seq = 0
    for body in (DEPLOY, EVENT):
        async with http.post("/api/webhooks/incidents", json=body) as response:
            assert response.status == 202
            seq = (await response.json())["seq"]
    await all_decided(server)
    async with http.get(f"/api/decisions/{seq}") as response:
        incident_id = (await response.json())["incident_id"]
    # The operator, the first deploy, the first notification and the first noise filter are all 1.
    return {"incident_id": incident_id, "commit_id": "a1b2c3d4", "seq": seq, "id": 1}


async def test_every_valid_request_is_answered_as_described(api: Api) -> None:
    done = set()

    def check(case: Case[Any]) -> None:
        response = api.ask(case)
        case.validate_response(response, checks=AS_DESCRIBED)
        if response.status_code < 400:
            done.add(case.operation.label)

    await asyncio.to_thread(api.for_each, GenerationMode.POSITIVE, check)
    # Most operations are described in vain if they are only ever refused.
    assert len(done) > 35, done


async def test_every_invalid_request_is_refused_as_described(api: Api) -> None:
    def check(case: Case[Any]) -> None:
        case.validate_response(api.ask(case), checks=[*AS_DESCRIBED, negative_data_rejection])

    but = {each.label for each in api.operations if not can_be_wrong(each.definition.raw)}
    assert len(but) < 25, but
    await asyncio.to_thread(api.for_each, GenerationMode.NEGATIVE, check, but=FOR_ANYBODY | but)


def can_be_wrong(operation: Mapping[str, Any]) -> bool:
    """Whether the operation takes anything but texts: any text may be the id of something."""
    schemas = [each["schema"] for each in operation["parameters"]]
    return "requestBody" in operation or any(each.get("type") != "string" for each in schemas)


async def test_nobody_gets_in_without_a_token_or_with_a_parameter_that_is_not_described(
    api: Api,
) -> None:
    def check(case: Case[Any]) -> None:
        response = api.ask(case, signed_in=False)
        assert response.status_code == 401, case.operation.label
        case.validate_response(response, checks=AS_DESCRIBED)
        case.query = {**(case.query or {}), "undescribed": "1"}
        response = api.ask(case)
        assert response.status_code == 400, case.operation.label
        case.validate_response(response, checks=AS_DESCRIBED)

    await asyncio.to_thread(
        api.for_each, GenerationMode.POSITIVE, check, but=FOR_ANYBODY, examples=1
    )
