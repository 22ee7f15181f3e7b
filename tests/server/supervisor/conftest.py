"""The stage for tests of the supervisor."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.supervisor.scene import Scene, scene


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Scene]:
    """A journal and a database of their own, and nothing at work yet."""
    async with scene(tmp_path) as made:
        yield made
