"""Marks each test by what it needs, for ``scripts/test -m unit`` and the like.

``browser`` opens pages in Chromium, ``processes`` starts the server, the engine or another program,
and ``unit`` does neither. The kind follows from what the test's module imports, so that nobody has
to keep a list.
"""

import functools
import sys

import pytest

_STARTERS = (
    "tests.processes",
    "tests.repositories",
    "subprocess",
    "asyncio.subprocess",
    "server.supervisor.child",
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    for kind in ("browser", "processes", "unit"):
        config.addinivalue_line("markers", f"{kind}: see tests/kinds.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests before ``-m`` chooses among them."""
    for item in items:
        item.add_marker(_kind(item))


def _kind(item: pytest.Item) -> str:
    assert isinstance(item, pytest.Function)
    if "browser" in item.fixturenames:
        return "browser"
    if {"server", "engine"} & set(item.fixturenames):
        return "processes"
    return "processes" if _starts(item.module.__name__) else "unit"


@functools.cache
def _starts(module: str) -> bool:
    """Return whether the module, or a module of tests that it uses, can start a program."""
    if module in _STARTERS:
        return True
    values = vars(sys.modules[module]).values()
    used = {
        str(getattr(each, "__module__", None) or getattr(each, "__name__", "")) for each in values
    }
    return any(
        _starts(each)
        for each in used - {module}
        if each in _STARTERS or (each.startswith("tests.") and each in sys.modules)
    )
