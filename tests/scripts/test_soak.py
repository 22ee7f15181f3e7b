"""The soak runs a server under load, and says what grows and whether a webhook was lost."""

import re

import pytest

from scripts.commands.soak.__main__ import main


def test_a_short_soak_loses_nothing_and_says_what_grows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--minutes", "0.05", "--per-second", "40"]) == 0
    said = capsys.readouterr().out
    (accepted,) = re.findall(r"\baccepted ([\d,]+)", said)
    (recorded,) = re.findall(r"\brecorded ([\d,]+)", said)
    assert 0 < int(accepted.replace(",", "")) <= int(recorded.replace(",", ""))
    for grows in ("memory of the server", "descriptors", "journal's file", "database's file"):
        assert grows in said
