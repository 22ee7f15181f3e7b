"""A plugin: where everything must be there, a test that is skipped for what is missing fails.

A suite that has lost its tests must not look well. What a user's machine may lack, CI has.
"""

from collections.abc import Generator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --no-skips, which `scripts/test` gives in CI."""
    parser.addoption("--no-skips", action="store_true", help="fail where a test is skipped")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is expected to fail (`xfail`) does not count as skipped."""
    report = yield
    if report.skipped and item.config.getoption("--no-skips") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report
