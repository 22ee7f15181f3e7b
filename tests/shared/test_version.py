"""All of PushLog says the same version."""

import tomllib

from shared.version import VERSION
from tests.processes import ROOT


def test_the_version_is_that_of_the_package() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
