"""Patterns for the files of a stack trace, as in a CODEOWNERS file. Pure.

As programs run somewhere else than in their repository, a pattern may begin at any folder of a
path, also one with a leading slash. The files are those of the program's own frames or, if the
trace says of none that it is, of all frames.
"""

import functools
from collections.abc import Iterable, Sequence

from server.notify.wildcards import matches
from shared.event import Frame

_MOST_FRAMES = 50
_MOST_FOLDERS = 50
"""More are not looked at: strangers write stack traces, and patterns must not stop the server."""


def owns(pattern: str, frames: Sequence[Frame]) -> bool:
    """Return whether `pattern` matches the file of one of these frames at least."""
    return any(owns_path(pattern, path) for path in paths_of(frames))


def paths_of(frames: Sequence[Frame]) -> list[str]:
    """Return the files of the program's own frames, newest first, each once."""
    own = [each for each in frames if each.in_app] or frames
    return list(dict.fromkeys(path for path in map(_path_of, own[:_MOST_FRAMES]) if path))


@functools.lru_cache(maxsize=4_096)
def owns_path(pattern: str, path: str) -> bool:
    """Return whether `pattern` matches this file, or a folder that it is in.

    ``*`` stands for any characters within a name, and ``**`` for any folders. A pattern that ends
    with a slash matches folders only, and one that ends with ``/*`` only what is directly in them.
    """
    wanted = [each for each in pattern.split("/") if each]
    names = [each for each in path.replace("\\", "/").split("/") if each][-_MOST_FOLDERS:]
    if not wanted:
        return False
    only_folders = pattern.endswith("/")
    only_directly = len(wanted) > 1 and wanted[-1] == "*"
    for end in _ends(wanted, names):
        is_file = end == len(names)
        if (is_file and not only_folders) or (not is_file and not only_directly):
            return True
    return False


def _ends(wanted: Iterable[str], names: Sequence[str]) -> set[int]:
    """Return how many of `names` lie before each place where all of `wanted` are matched."""
    reached = set(range(len(names) + 1))
    for name in wanted:
        if name == "**":
            reached = set(range(min(reached, default=len(names) + 1), len(names) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(names) and matches(name, names[at])}
    return reached


def _path_of(frame: Frame) -> str:
    if not frame.module or (frame.file and ("/" in frame.file or "\\" in frame.file)):
        return frame.file or ""
    # Java names a file without its folder, which is the package of the class.
    package, _, last = frame.module.rpartition(".")
    return "/".join([*package.split("."), frame.file or last])
