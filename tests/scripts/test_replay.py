"""What would have fired with other settings, beside what did."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from scripts.commands.replay import EXIT_FAILED, main
from shared.pipe import Inbound, encode_lines
from tests import builders


@pytest.fixture
def events(tmp_path: Path) -> Path:
    entries: list[Inbound] = [
        builders.event_entry(None, 0, environment="eu"),
        builders.event_entry(None, 60),
        builders.settings(None, 120, production_environments=["production"]),
        builders.event_entry(None, 180, environment="eu", exception_type="KeyError"),
    ]
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"{nonsense\n\n" + encode_lines(entries))
    return file


def test_without_other_settings_nothing_differs(
    events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(events)]) == 0
    said = capsys.readouterr().out
    assert [line[0] for line in said.splitlines() if "opened" in line] == ["="]
    assert main([str(events), "--differences"]) == 0
    assert "opened" not in capsys.readouterr().out


def test_what_another_environment_of_production_would_have_told(
    events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(events), "--production", "prod,eu"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line[0] for line in said if "opened new_issue" in line] == ["+", "="]
    assert said[-1].split() == ["new_issue", "1", "2"]


def test_a_journal_is_read_as_it_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = tmp_path / "pushlog-journal.db"
    body = encode_lines([builders.event_entry(None, 0, received=None, service="mail")])
    with contextlib.closing(sqlite3.connect(journal)) as db, db:
        db.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, received INTEGER, body BLOB)")
        received = int(builders.at(0).timestamp() * 1_000_000)
        db.execute("INSERT INTO entries VALUES (?, ?, ?)", (7, received, body.rstrip()))
    assert main([str(journal)]) == 0
    assert "opened new_issue       mail/production" in capsys.readouterr().out


def test_what_cannot_be_read_or_run_is_said(
    tmp_path: Path, events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "missing")]) == EXIT_FAILED
    assert main([str(events), "--engine", "/no/such/engine"]) == EXIT_FAILED
    assert main([str(events), "--other-engine", "false"]) == EXIT_FAILED
    assert "cannot start /no/such/engine" in capsys.readouterr().err
