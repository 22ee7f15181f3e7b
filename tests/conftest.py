"""What every test can use, and the check that as many tests ran as should."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import shared_data
from tests.processes import EngineProcess, ServerProcess, running_engine, running_server

MINIMUM_TESTS = Path(__file__).with_name("minimum_tests")

# How long an example takes says more of what else the machine does than of our code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server with the default settings and an empty database of its own."""
    async with running_server(tmp_path) as process:
        yield process


@pytest.fixture
async def engine() -> AsyncIterator[EngineProcess]:
    """An engine without a server."""
    async with running_engine() as process:
        yield process


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --at-least-minimum, which `scripts/test` gives when it runs everything."""
    parser.addoption(
        "--at-least-minimum",
        action="store_true",
        help="fail where fewer tests passed than tests/minimum_tests asks for",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A suite that lost tests (a folder not collected, all of them skipped) must not look well."""
    # Where tests run in several processes (pytest-xdist), the one that counts is that above them.
    if not session.config.getoption("--at-least-minimum") or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None
    passed = len(reporter.stats.get("passed", ()))
    wanted = minimum_tests(MINIMUM_TESTS.read_text(), shared_data.FOLDER.is_dir())
    if passed < wanted:
        reporter.write_line("")
        reporter.write_line(
            f"only {passed} tests passed; tests/minimum_tests asks for {wanted}", red=True
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def minimum_tests(text: str, with_shared_data: bool) -> int:
    """The number that applies here, of a file with a line ``NAME: NUMBER`` for each case."""
    numbers = dict(
        line.split(":", 1) for line in text.splitlines() if line and not line.startswith("#")
    )
    return int(numbers["with shared data" if with_shared_data else "anywhere"])
