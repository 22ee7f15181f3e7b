"""The result of one check: one line for people."""

from typing import Literal

import msgspec

from shared.text import harmless

Verdict = Literal["ok", "warn", "FAIL"]


class Finding(msgspec.Struct, frozen=True):
    """`what` was checked; `text` says how it is and, if something is wrong, what to do."""

    verdict: Verdict
    what: str
    text: str

    def line(self) -> str:
        """Return the finding on one line, without anything that a terminal would obey."""
        line = f"{self.verdict:<4}  {self.what}: {self.text}"
        return harmless(line)


def ok(what: str, text: str) -> Finding:
    """Return the finding that it works, or that it is not set up, which is fine."""
    return Finding("ok", what, text)


def warn(what: str, text: str) -> Finding:
    """Return the finding that PushLog runs, but somebody should know about it."""
    return Finding("warn", what, text)


def fail(what: str, text: str) -> Finding:
    """Return the finding that something will not work."""
    return Finding("FAIL", what, text)
