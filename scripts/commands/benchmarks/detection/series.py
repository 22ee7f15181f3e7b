"""Real counts with labelled windows: read, turn into alarms, and score with their own scorer."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from scripts.commands.benchmarks.detection.alarms import Alarm, Series
from scripts.installation import ROOT

_SHARED = os.environ.get("PUSHLOG_SHARED")
SPIKES = (Path(_SHARED) if _SHARED else ROOT.parent / "shared") / "bench/spikes"

BUCKET_S = 300.0
COOL_DOWN_BUCKETS = 288
"""A day, which makes the ratio rule bearable at all."""


def load_series(folder: Path = SPIKES) -> list[Series]:
    """Return every series of the folder in the order of names. A bucket is five minutes."""
    found: list[Series] = []
    for path in sorted((folder / "data").glob("*.csv")):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        begins = datetime.fromisoformat(rows[0]["timestamp"]).replace(tzinfo=UTC)
        counts = [int(float(row["value"])) for row in rows]
        found.append(Series(path.stem, begins.timestamp(), BUCKET_S, counts))
    return found


def score(alarms: Mapping[str, tuple[Series, Sequence[Alarm]]], folder: Path = SPIKES) -> str:
    """Return the scorer's table. Raises `subprocess.CalledProcessError` if the scorer fails."""
    lines = b"".join(_lines(alarms))
    done = subprocess.run(
        [sys.executable, str(folder / "score.py"), "-", "--data", str(folder / "data")],
        input=lines,
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout.decode()


def _lines(alarms: Mapping[str, tuple[Series, Sequence[Alarm]]]) -> Iterable[bytes]:
    for name, (series, of_series) in alarms.items():
        begins = datetime.fromtimestamp(series.begins_s, UTC).replace(tzinfo=None)
        for alarm in of_series:
            bucket = begins + timedelta(seconds=alarm.slot * series.slot_s)
            yield msgspec.json.encode({"series": name, "timestamp": str(bucket)}) + b"\n"
