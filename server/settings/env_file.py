"""Reads variables from a file of lines ``NAME=VALUE``; the environment takes precedence."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

from server.settings.settings import SettingsError

DEFAULT = Path(".env")
NAMED_BY = "PUSHLOG_ENV_FILE"

_LINE = re.compile(r"(?:export\s+)?(?P<name>[^\s=]+)\s*=\s*(?P<value>.*)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(
    r"""(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*(?:\#.*)?""", re.VERBOSE
)
_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Asked(dict[str, str]):
    """An environment over an env file, which records in `names` what it was asked for."""

    def __init__(self, environ: Mapping[str, str], path: Path, file: Mapping[str, str]) -> None:
        """Use `file`, which holds what the env file at `path` sets."""
        super().__init__({**file, **environ})
        self.names = {NAMED_BY}
        self.path = path
        self.file = file

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # noqa: D102
        self.names.add(name)
        return super().get(name, default)

    def unknown_names(self) -> list[str]:
        """Return a sentence for each variable of the file that nobody has asked for."""
        said = []
        for name in sorted(self.file.keys() - self.names):
            near = difflib.get_close_matches(name, self.names, 1)
            meant = f" {near[0]}?" if near else " README.md has a table of all settings."
            said.append(f"{self.path} sets {name}, which PushLog does not know:{meant}")
        return said


def with_env_file(environ: Mapping[str, str]) -> Asked:
    """Return `environ` over what the env file sets; raise `SettingsError` naming file and line.

    The file is the one that ``PUSHLOG_ENV_FILE`` names, or else ``.env`` in the current folder. The
    first must exist, unless a ``-`` precedes its name, as in systemd's EnvironmentFile.
    """
    named = environ.get(NAMED_BY, "").strip()
    path = Path(named.removeprefix("-")) if named else DEFAULT
    optional = not named or named.startswith("-")
    if optional and not path.exists():
        return Asked(environ, path, {})
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: must be UTF-8"]) from error
    return Asked(environ, path, parse_env_file(text, str(path)))


def parse_env_file(text: str, name: str) -> dict[str, str]:
    r"""Return the variables in `text`; raise `SettingsError` with all lines that cannot be read.

    A line is empty, a comment after ``#``, or ``NAME=VALUE``, with ``export`` before it or not. A
    value ends at `` #``, except in quotes. Between single quotes, everything stands for itself.
    Between double quotes, ``\n``, ``\r`` and ``\t`` are control characters, and a backslash before
    anything else stands for that character. Nothing is expanded.
    """
    values: dict[str, str] = {}
    faults = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        try:
            variable, value = _parse_line(line)
            if variable in values:
                raise ValueError(f"{variable} is set twice")
        except ValueError as error:
            faults.append(f"{name} line {number}: {error}")
        else:
            values[variable] = value
    if faults:
        raise SettingsError(faults)
    return values


def _parse_line(line: str) -> tuple[str, str]:
    # A fault never repeats the line: it may hold a secret, and faults go to the log.
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("must be NAME=VALUE")
    if _NAME.fullmatch(found["name"]) is None:
        raise ValueError("the name before = may only contain letters, digits and _")
    return found["name"], _parse_value(found["value"])


def _parse_value(text: str) -> str:
    if not text.startswith(("'", '"')):
        return _COMMENT.sub("", text).rstrip()
    found = _QUOTED.fullmatch(text)
    if found is None:
        raise ValueError("a quote is not closed, or is followed by more text")
    if found["single"] is not None:
        return found["single"]
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), found["double"])
