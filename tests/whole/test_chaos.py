"""A short run of `scripts/chaos`: nothing is lost and nothing happens twice."""

import re
import subprocess
import sys

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


def test_nothing_is_lost_or_doubled_when_server_and_engine_are_killed() -> None:
    run = subprocess.run(
        [ROOT / "scripts" / "chaos", "--rounds", "1", "--seed", "1", "--events", "300"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    summary = run.stdout.splitlines()[-1]
    assert re.search(r"accepted 300, decided 3\d\d, set aside 0, ", summary)
    assert summary.endswith("lost 0, doubled 0, rounds with a difference 0")
    assert "kill server" in run.stdout
