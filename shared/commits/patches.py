"""Find the functions that a patch touches, from its hunk headers and its declarations.

A hunk header names the function in which the hunk begins (git finds it by the language's driver).
Declarations within the hunk take over from there, until the indentation shows that they are over. A
changed line counts for the function that it is in. Comments, blank lines and closing brackets count
for no function, and neither do lines outside of every function.

This runs on any Python from 3.8 on with nothing installed: `scripts/announce-deploy` uses it in CI.
"""

from __future__ import annotations

import re

from shared.commits.declarations import MAX_LINE, finder_for

MAX_NAME = 200

_HEADER = re.compile(r"@@+ [^@]*@@+ ?(.*)")
_CLOSING = re.compile(r"\}[})\];,]*$|end\b[;,)]*$")
_COMMENT = re.compile(r"//|/\*|\*(?:/|\s|$)|#(?!\[|include|define|if|el|end|undef|pragma)|--\s|;;")
_OF_THE_NEXT = re.compile(r"@[\w.]+|#\[|\[\w+[\](]")
_TAB = 4
_HEADER_INDENT = -1
"""git drops the indentation of the line that it names in a hunk header."""


class PatchReader:
    """Reads the lines of one file's patch; `functions` are the names so far, each once."""

    def __init__(self, path: str) -> None:
        self.functions: dict[str, None] = {}
        self._find = finder_for(path)
        self._around: list[tuple[int, str]] = []
        self._waiting = False

    def read(self, line: str) -> None:
        """Take the next line, from the first hunk header on; no call is needed at the end."""
        if self._find is None:
            return
        if line.startswith("@@"):
            header = _HEADER.match(line)
            name = self._find(header.group(1)[:MAX_LINE]) if header is not None else None
            self._around = [(_HEADER_INDENT, name)] if name else []
            self._waiting = False
        elif line[:1] in ("+", "-", " "):
            code = line[1 : MAX_LINE + 1].expandtabs(_TAB)
            self._read_code(code, self._find(code.rstrip()), changed=line[0] != " ")

    def _read_code(self, code: str, name: str | None, *, changed: bool) -> None:
        text = code.strip()
        if not text or _COMMENT.match(text):
            return
        indent = len(code) - len(code.lstrip())
        if _CLOSING.match(text):
            self._leave(indent)
            return
        if name is not None:
            self._leave(indent)
            # The last header named a neighbour of this declaration, or the type around it.
            self._around = [each for each in self._around if each[0] != _HEADER_INDENT]
            self._around.append((indent, name))
            if changed or self._waiting:
                self._touch(name)
            self._waiting = False
        elif _OF_THE_NEXT.match(text):
            self._waiting = self._waiting or changed
        elif text[0] not in "{)]}":
            self._leave(indent)
            self._touch_around(changed)
        else:
            self._touch_around(changed)

    def _leave(self, indent: int) -> None:
        """Forget what ended before a line with this indentation."""
        self._around = [each for each in self._around if indent > 0 and each[0] < indent]

    def _touch_around(self, changed: bool) -> None:
        if changed and self._around:
            self._touch(self._around[-1][1])

    def _touch(self, name: str) -> None:
        self.functions[name[:MAX_NAME]] = None


def touched_functions(path: str, patch: str) -> list[str]:
    """Return the functions that the patch of the file `path` touches, in order."""
    reader = PatchReader(path)
    for line in patch.splitlines():
        reader.read(line)
    return list(reader.functions)
