import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.settings.env_file import parse_env_file, with_env_file
from server.settings.settings import SettingsError, read_settings
from tests.processes import running_server


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("NAME = value ", "value"),
        ("export NAME=value", "value"),
        ("NAME=", ""),
        ("NAME=# nothing but a comment", ""),
        ("NAME=value # a comment", "value"),
        ("NAME=colour#fff", "colour#fff"),
        ("NAME=a=b", "a=b"),
        ("NAME=$HOME", "$HOME"),
        ("NAME='single # \"quoted\" \\n'", 'single # "quoted" \\n'),
        ('NAME="double # quoted"  # a comment', "double # quoted"),
        ('NAME="a\\nb\\"c\\\\d\\$e"', 'a\nb"c\\d$e'),
    ],
)
def test_a_line_sets_its_value(line: str, value: str) -> None:
    assert parse_env_file(line, "x.env") == {"NAME": value}


def test_empty_lines_comments_and_the_line_ends_of_windows_are_passed_over() -> None:
    text = "\r\n# A comment\r\n  PORT=3001\r\n\r\nHOST=::1\r\n"
    assert parse_env_file(text, "x.env") == {"PORT": "3001", "HOST": "::1"}


def test_every_line_that_cannot_be_read_is_named_and_no_secret_is_repeated() -> None:
    text = 'PORT=3000\nhunter2\n1ST=hunter2\nA=\'hunter2\nPORT=hunter2\nB="hunter2" x\n'
    with pytest.raises(SettingsError) as raised:
        parse_env_file(text, "prod.env")
    faults = raised.value.faults
    assert [fault.split(":")[0] for fault in faults] == [
        f"prod.env line {number}" for number in (2, 3, 4, 5, 6)
    ]
    assert "hunter2" not in str(raised.value)


@given(st.text())
def test_any_text_gives_variables_or_faults_and_no_other_error(text: str) -> None:
    with contextlib.suppress(SettingsError):
        parse_env_file(text, "x.env")


@given(st.text(st.characters(exclude_characters="\n")))
def test_what_is_quoted_comes_back(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_env_file(f'NAME="{escaped}"', "x.env") == {"NAME": value}


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "prod.env"
    file.write_text("PORT=1\nHOST=file\n")
    environ = {"PUSHLOG_ENV_FILE": str(file), "PORT": "2"}
    assert with_env_file(environ) == {**environ, "PORT": "2", "HOST": "file"}


def test_env_in_the_current_folder_is_read_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_env_file({}) == {}
    (tmp_path / ".env").write_text("PORT=1\n")
    assert with_env_file({}) == {"PORT": "1"}


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing.env"
    with pytest.raises(SettingsError, match="cannot be read"):
        with_env_file({"PUSHLOG_ENV_FILE": str(missing)})


def test_a_file_named_with_a_dash_may_be_missing(tmp_path: Path) -> None:
    file = tmp_path / "prod.env"
    environ = {"PUSHLOG_ENV_FILE": f"-{file}"}
    assert with_env_file(environ) == environ
    file.write_text("PORT=1\n")
    assert with_env_file(environ) == {**environ, "PORT": "1"}


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.env"
    file.write_bytes(b"PORT=\xff")
    with pytest.raises(SettingsError, match="must be UTF-8"):
        with_env_file({"PUSHLOG_ENV_FILE": str(file)})


def test_a_name_that_nobody_asks_for_is_told_with_the_nearest_that_is_known(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.env"
    path.write_text("SENTRY_WEBHOK_SECRET=a\nPORT=3000\nSMTP_FORM=b\nSLACK_CHANEL=c\nQ=d\n")
    environ = {"PUSHLOG_ENV_FILE": str(path), "ANYTHING": "may stand in the environment"}
    asked = with_env_file(environ)
    read_settings({"PORT": "1"})
    with contextlib.suppress(SettingsError):
        read_settings(asked)
    assert asked.unknown_names() == [
        f"{path} sets Q, which PushLog does not know: README.md has a table of all settings.",
        f"{path} sets SENTRY_WEBHOK_SECRET, which PushLog does not know: SENTRY_WEBHOOK_SECRET?",
        f"{path} sets SLACK_CHANEL, which PushLog does not know: SLACK_CHANNEL?",
        f"{path} sets SMTP_FORM, which PushLog does not know: SMTP_FROM?",
    ]
    assert with_env_file({"PUSHLOG_ENV_FILE": "-nowhere.env"}).unknown_names() == []


async def test_the_start_tells_of_a_misspelt_name_and_never_of_its_value(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    path.write_text("SENTRY_WEBHOK_SECRET=hunter2\n")
    async with running_server(tmp_path, env={"PUSHLOG_ENV_FILE": str(path)}) as server:
        await server.log.wait_for(r"WARNING \[server\] .*: SENTRY_WEBHOOK_SECRET\?")
        assert not server.log.matching("hunter2")
