"""What the engine reads in frames, messages, paths, commits and versions: `RECORD`, line by line.

Each line is what there is to read, ` →`, and how it is read; a section begins with its name.
``python -m tests.engine.readings`` reads all of it anew, where it is meant to be read otherwise, or
where a line has only its left side yet.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.stack.functions import changed_functions, frame_functions
from engine.stack.libraries import is_library
from engine.stack.messages import blanked
from engine.stack.names import frame_name
from engine.stack.paths import EXACT, NONE, PARTIAL, agreement, frame_path, repository_path
from engine.suspects.commit_kinds import kinds, runs_in_production
from engine.suspects.releases import is_same
from engine.suspects.words import words
from engine.versions import is_before
from tests import records
from tests.builders import commit

RECORD = Path(__file__).with_name("readings.txt")
_GIVES = " →"


def _fields(text: str) -> Iterator[str | None]:
    return (None if part == "-" else part for part in text.split(" | "))


def _frame(text: str) -> str:
    file, module, function = _fields(text)
    if is_library(file, module):
        return "a library's"
    named = frame_name(file, module, function)
    return "left out" if named is None else " : ".join(named)


def _called(text: str) -> str:
    file, module, function = _fields(text)
    return " ".join(frame_functions(function, module, file))


def _path(text: str) -> str:
    file, module = _fields(text)
    return "/".join(frame_path(file, module))


def _agrees(text: str) -> str:
    file, changed = text.split(" ~ ")
    found = agreement(frame_path(file, None), repository_path(changed))
    return {EXACT: "the same", PARTIAL: "perhaps the same", NONE: "another"}[found]


def _runs(path: str) -> str:
    return "runs" if runs_in_production(path) else "does not run"


def _kind(text: str) -> str:
    message, _, numbers = text.partition(" | ")
    added, _, deleted = numbers.partition(" ")
    lines: dict[str, Any] = {"added": None, "deleted": None}
    if numbers:
        lines = {"added": int(added), "deleted": int(deleted)}
    return kinds([commit(message=message, **lines)])[0]


def _before(text: str) -> str:
    one, other = text.split(" ? ")
    first = {True: "before", False: "not before", None: "nobody knows"}[is_before(one, other)]
    return f"{first}, {'one' if is_same(one, other) else 'another'} release"


READ: dict[str, Callable[[str], str]] = {
    "frames: file | module | function": _frame,
    "functions of a frame: file | module | function": _called,
    "paths of a frame: file | module": _path,
    "functions that a commit changes": lambda header: " ".join(sorted(changed_functions(header))),
    "messages": blanked,
    "files of a frame and of a commit": _agrees,
    "files that run in production": _runs,
    "kinds of commits: message | lines added and deleted": _kind,
    "words": lambda text: " ".join(sorted(words(text))),
    "versions": _before,
}


def read_again() -> Iterator[str]:
    """Return the lines of the record with what is on their left side read anew."""
    read: Callable[[str], str] = _frame
    for line in RECORD.read_text("utf-8").splitlines():
        if line in READ:
            read = READ[line]
        if line in READ or not line:
            yield line
        else:
            text = line.partition(_GIVES)[0]
            yield f"{text}{_GIVES} {read(text)}".rstrip()


if __name__ == "__main__":
    records.write(RECORD, read_again())
