"""`scripts/test-incident-engine`: the engine with events from a file, and no server."""

import re
import subprocess
import sys
from pathlib import Path

from shared.pipe import encode_lines
from tests.builders import event_entry
from tests.processes import ROOT, clean_environment

SCRIPT = ROOT / "scripts/test-incident-engine"


def run(
    folder: Path, *arguments: str | Path, text: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [SCRIPT, *arguments],
        cwd=folder,
        env=clean_environment(folder),
        input=text,
        capture_output=True,
        check=False,
    )


def test_the_day_of_a_shop_has_one_of_each(tmp_path: Path) -> None:
    told = run(tmp_path)
    assert (told.returncode, told.stderr) == (0, b"")
    # Where lines are broken does not matter.
    text = " ".join(told.stdout.decode().split())
    for happened in (
        "never been seen before in production",
        "Its environment is not a production environment",
        "Deploy of shop to production, 3 commits",
        "suspect 5f1c9a7e",
        "ended: it is quiet again",
        "joined an open incident",
        "Resolved by jo",
        "This error is back",
    ):
        assert happened in text


def test_events_come_from_a_file_in_the_current_folder_or_from_standard_input(
    tmp_path: Path,
) -> None:
    lines = encode_lines([event_entry(exception_type="OutOfStock")])
    (tmp_path / "events.ndjson").write_bytes(lines)
    told = run(tmp_path, "events.ndjson")
    assert re.search(rb"OutOfStock in .*\n.*It opened an incident", told.stdout)
    assert run(tmp_path, "-", text=lines).stdout == told.stdout


def test_it_says_what_the_engine_says_by_hand(tmp_path: Path) -> None:
    events = run(tmp_path, "--events").stdout
    by_hand = subprocess.run(
        [sys.executable, "-m", "engine"], cwd=ROOT, input=events, capture_output=True, check=True
    )
    assert run(tmp_path, "--raw").stdout == by_hand.stdout


def test_a_line_that_cannot_be_read_is_shown_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines = b"nonsense\n" + encode_lines([event_entry(exception_type="OutOfStock")])
    told = run(tmp_path, "-", text=lines)
    assert told.returncode == 1
    assert b"A line could not be read" in told.stdout
    assert b"OutOfStock in " in told.stdout


def test_a_file_or_an_engine_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = run(tmp_path, "missing.ndjson")
    assert (missing.returncode, missing.stdout) == (2, b"")
    assert b"cannot read missing.ndjson" in missing.stderr
    nowhere = run(tmp_path, "--engine", "/nowhere/engine")
    assert nowhere.returncode == 2
    assert b"cannot start /nowhere/engine" in nowhere.stderr


def test_an_engine_that_fails_or_babbles_is_told_from_one_that_works(tmp_path: Path) -> None:
    assert run(tmp_path, "--engine", "false").returncode == 2
    babbling = run(tmp_path, "--engine", "echo hello")
    assert babbling.returncode == 2
    assert b"the engine wrote a line that is not a message" in babbling.stderr
