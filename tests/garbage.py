"""A plugin: keeps Python's garbage collector from what the tests import.

Nothing of it is ever freed, and looking through it again and again took half of the time that
finding the tests takes.
"""

import gc

import pytest


def pytest_configure() -> None:
    """Stop collecting before the first test is imported."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Collect what the tests make, from here on."""
    gc.freeze()
    gc.enable()
