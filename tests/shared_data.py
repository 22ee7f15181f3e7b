"""The folder of recorded payloads and benchmarks beside the repository, where there is one.

It is other people's data and never part of the repository: tests that read it skip without it.
`PUSHLOG_SHARED` names another folder than ``../shared``.
"""

import os
from pathlib import Path

import pytest

FOLDER = Path(
    os.environ.get("PUSHLOG_SHARED") or Path(__file__).resolve().parent.parent.parent / "shared"
)

needs_shared_data = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"needs the recorded data, and there is no {FOLDER}"
)
