"""Every command works on the installation that a server would use here, and names it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.commands import backup, migrate, people, replay, restore
from scripts.installation import EXIT_SETTINGS
from tests.databases import make_database

Main = Callable[[list[str]], int]

COMMANDS: dict[str, tuple[Main, list[str]]] = {
    "backup": (backup.main, ["backups"]),
    "migrate": (migrate.main, []),
    "people": (people.main, ["list"]),
    "replay": (replay.main, []),
    "restore": (restore.main, ["backups/none"]),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that somebody runs a command from; the current folder is restored afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr("os.nice", lambda _: 0)
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_takes_the_database_of_the_env_file_and_says_which_it_is(
    name: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main, arguments = COMMANDS[name]
    path = make_database(elsewhere / "data" / "pushlog.db")
    env_file = elsewhere / "prod.env"
    env_file.write_text(f"DATABASE_URL=sqlite:///{path}\n")
    monkeypatch.setenv("PUSHLOG_ENV_FILE", str(env_file))
    main(arguments)
    said = capsys.readouterr().err
    assert said.startswith(f"Database: {path}")


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_wrong_with_the_settings_is_said_by_each_alike(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main, arguments = COMMANDS[name]
    monkeypatch.setenv("PUSHLOG_ENV_FILE", "-nowhere.env")
    monkeypatch.setenv("PORT", "front door")
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == EXIT_SETTINGS
    assert capsys.readouterr().err.startswith("PORT: must be a port number")
