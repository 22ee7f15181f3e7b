"""One environment, whatever people and tools call it."""

import aiohttp
import msgspec
import pytest

from server.settings.environments import Deployed, EnvironmentMap
from server.settings.settings import SettingsError, read_settings
from tests import builders
from tests.processes import ServerProcess, running_server


def read_map(environments: str = "", production: str = "") -> EnvironmentMap:
    settings = read_settings({"ENVIRONMENTS": environments, "PRODUCTION_ENVIRONMENTS": production})
    return EnvironmentMap(settings.environments, settings.production_environments)


@pytest.mark.parametrize("name", ["production", "Production", "PROD", " prod "])
def test_production_has_two_names_in_any_case(name: str) -> None:
    assert read_map().of(name) == "production"


def test_the_first_rule_that_matches_says_what_a_name_means() -> None:
    found = read_map("live*=prod, stage-*=staging, *=other")
    assert found.of("Live-EU") == "production"
    assert found.of("STAGE\N{EN DASH}2") == "staging"
    assert found.of("stage_2") == "staging"
    assert found.of("qa") == "other"
    assert read_map("live=production").of("live-eu") == "live-eu"


@pytest.mark.parametrize(
    ("name", "deployed"),
    [
        ("Production", Deployed("production")),
        ("Production \N{EN DASH} shop", Deployed("production", "shop")),
        ("prod \N{EM DASH} shop - eu", Deployed("production", "shop - eu")),
        ("Preview \N{EN DASH} shop", Deployed("Preview", "shop")),
        ("eu-west", Deployed("eu-west")),
    ],
)
def test_the_name_of_a_deployment_may_end_with_its_project(name: str, deployed: Deployed) -> None:
    assert read_map().of_deployment(name, is_production=False) == deployed


def test_what_its_host_calls_production_is_production_under_any_name() -> None:
    found = read_map(production="eu, us")
    assert found.of_deployment("blue", is_production=True) == Deployed("production")
    assert found.of_deployment("eu", is_production=True) == Deployed("eu")
    assert found.of_deployment("blue", is_production=False) == Deployed("blue")
    ruled = read_map("blue=staging")
    assert ruled.of_deployment("blue", is_production=True) == Deployed("staging")
    both = "Blue \N{EN DASH} shop"
    assert ruled.of_deployment(both, is_production=True) == Deployed("staging", "shop")


@pytest.mark.parametrize("text", ["live", "=production", "live=", "live=" + "x" * 65])
def test_a_rule_that_cannot_be_read_stops_the_start_with_the_rule(text: str) -> None:
    with pytest.raises(SettingsError, match="ENVIRONMENTS: each part must be like name="):
        read_map(text)


async def test_an_event_is_in_the_environment_that_its_name_means(
    tmp_path_factory: pytest.TempPathFactory, http: aiohttp.ClientSession
) -> None:
    folder = tmp_path_factory.mktemp("server")
    async with running_server(folder, env={"ENVIRONMENTS": "live-*=production"}) as server:
        await sent(http, server, "Live\N{EN DASH}EU")
        await server.log.wait_for("Ingested: .* in shop/production")


async def sent(http: aiohttp.ClientSession, server: ServerProcess, environment: str) -> None:
    body = msgspec.to_builtins(builders.event(environment=environment))
    async with http.post(f"{server.url}/api/webhooks/incidents", json=body) as response:
        assert response.status == 202, await response.text()
