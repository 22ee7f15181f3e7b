"""A release is recognized by any of the names that people give it."""

import pytest

from engine.suspects.releases import brings
from tests.builders import change_window, commit

WINDOW = change_window(
    release="shop@1.4.0", deploy_id="F00DF00DF00D", commits=[commit("3f2a9c1b77aa")]
)


@pytest.mark.parametrize(
    "release",
    [
        "shop@1.4.0",
        "1.4.0",
        "v1.4.0",
        "shop@1.4.0+37",
        "3f2a9c1",
        "shop@3f2a9c1b77aa",
        "f00df00df00d",
        "F00DF00",
    ],
)
def test_a_release_is_brought_by_the_deploy_that_has_its_name_or_commit(release: str) -> None:
    assert brings(WINDOW, release)


def test_a_build_is_brought_by_the_deploy_of_its_version_and_by_no_other_build() -> None:
    assert brings(change_window(release="v1.4.0+37"), "shop@1.4.0")
    assert brings(change_window(release="v1.4.0+37"), "shop@1.4.0+37")
    assert not brings(change_window(release="v1.4.0+37"), "shop@1.4.0+38")


@pytest.mark.parametrize("release", [None, "", "1.4", "1.4.1", "3f2a", "deadbeef", "shop@"])
def test_another_release_is_not(release: str | None) -> None:
    assert not brings(WINDOW, release)
