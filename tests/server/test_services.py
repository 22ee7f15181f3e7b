import pytest

from server.settings.services import MappedService, ServiceMap
from server.settings.settings import SettingsError, read_settings
from tests.builders import commit


def read_map(services: str = "", branches: str = "") -> ServiceMap:
    settings = read_settings({"GITHUB_SERVICES": services, "GITHUB_BRANCHES": branches})
    return ServiceMap(settings.github_services, settings.github_branches)


def test_a_repository_that_nobody_named_is_a_service_of_its_own_name() -> None:
    assert read_map("acme/shop=web").services_of("acme/billing", 1) == (MappedService("billing"),)


def test_a_repository_is_named_in_any_case_of_letters() -> None:
    assert read_map("Acme/Shop=web").services_of("aCME/sHOP", 1) == (MappedService("web"),)


def test_a_rule_for_the_number_of_a_repository_outlives_its_name() -> None:
    assert read_map("4711=web").services_of("acme/renamed", 4711) == (MappedService("web"),)


def test_a_repository_holds_as_many_services_as_are_named() -> None:
    services = read_map("a/b:apps/web/=web, a/b:/apps/api=api, a/b:libs=web, a/b=all")
    assert services.services_of("a/b", None) == (
        MappedService("web", ("apps/web/", "libs/")),
        MappedService("api", ("apps/api/",)),
        MappedService("all"),
    )


def test_a_folder_ends_where_its_name_ends() -> None:
    web = MappedService("web", ("apps/web/",))
    assert web.is_touched_by(commit(files=["apps/web/a.ts"]))
    assert not web.is_touched_by(commit(files=["apps/web2/a.ts", "apps/web"]))
    assert MappedService("all").is_touched_by(commit(files=[]))


def test_a_service_is_asked_for_whatever_its_repository() -> None:
    services = read_map("a/b:web/=web")
    assert services.is_touched("web", commit(files=["web/a.ts"]))
    assert not services.is_touched("web", commit(files=["api/a.py"]))
    assert services.is_touched("other", commit(files=["api/a.py"]))


def test_the_default_branch_is_production_until_branches_are_named() -> None:
    assert read_map().environment_of("trunk", "trunk") == "production"
    assert read_map().environment_of("main", "trunk") is None
    named = read_map(branches="main=staging")
    assert named.environment_of("trunk", "trunk") is None
    assert named.environment_of("main", "trunk") == "staging"


def test_the_first_branch_that_fits_says_the_environment() -> None:
    services = read_map(branches="release/old=archive, release/*=PROD, *=preview")
    assert services.environment_of("release/old", None) == "archive"
    assert services.environment_of("release/a/b", None) == "production"
    assert services.environment_of("Release/a", None) == "preview"


@pytest.mark.parametrize(
    "text", ["shop", "=web", "shop=web", "a/b=", "a/b/c=web", "a/b:=web", "a/b:/=web", "a b/c=web"]
)
def test_a_service_rule_that_cannot_be_read_stops_the_start_with_the_rule(text: str) -> None:
    with pytest.raises(SettingsError, match="GITHUB_SERVICES: each part must be like owner/repo"):
        read_map(f"a/b=c, {text}")


@pytest.mark.parametrize("text", ["main", "=production", "main=", "main=" + "x" * 65])
def test_a_branch_rule_that_cannot_be_read_stops_the_start_with_the_rule(text: str) -> None:
    with pytest.raises(SettingsError, match="GITHUB_BRANCHES: each part must be like branch="):
        read_map(branches=text)


def test_branches_are_named_without_their_place_in_git() -> None:
    with pytest.raises(SettingsError, match="without refs/heads/"):
        read_map(branches="refs/heads/main=production")
