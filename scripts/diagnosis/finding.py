"""What an examination found: one line for people."""

from typing import Literal

import msgspec

from shared.text import harmless

Verdict = Literal["ok", "warn", "FAIL"]


class Finding(msgspec.Struct, frozen=True):
    """`what` was examined; `text` says how it is and, if it is not well, what to do."""

    verdict: Verdict
    what: str
    text: str

    def line(self) -> str:
        """Return the finding on one line, with nothing in it that a terminal would obey."""
        line = f"{self.verdict:<4}  {self.what}: {self.text}"
        return harmless(line)


def ok(what: str, text: str) -> Finding:
    """Return the finding that it is well, or not there because nobody asked for it."""
    return Finding("ok", what, text)


def warn(what: str, text: str) -> Finding:
    """Return the finding that PushLog runs with it, but somebody should know."""
    return Finding("warn", what, text)


def fail(what: str, text: str) -> Finding:
    """Return the finding that something will not work."""
    return Finding("FAIL", what, text)
