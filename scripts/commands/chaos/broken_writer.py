"""A server whose journal's writer meets a defect that nobody foresaw: ``broken_writer COUNT``.

At its COUNT-th group, before or after it is written, an exception is raised that is none of the
disk's. The server must answer everybody who waits, and end.
"""

import os
import random
import sys
from collections.abc import Sequence

from server.main import run
from server.settings.settings import read_settings
from server.storage.journal.entry import Appended, Arrival
from server.storage.journal.file import JournalFile


class Struck(Exception):
    """The defect."""


def break_at(count: int) -> None:
    """Let the journal's file raise `Struck` at its `count`-th group of this process."""
    append = JournalFile.append
    after = random.Random(count).random() < 0.5  # noqa: S311 - chance that can be had again
    groups = 0

    def broken(file: JournalFile, arrivals: Sequence[Arrival], received: int) -> list[Appended]:
        nonlocal groups
        groups += 1
        if groups < count:
            return append(file, arrivals, received)
        if after:
            append(file, arrivals, received)
        raise Struck("struck by scripts/chaos")

    # setattr, because the types say that a method is not replaced, and they are right elsewhere.
    setattr(JournalFile, "append", broken)  # noqa: B010


if __name__ == "__main__":
    break_at(int(sys.argv.pop(1)))
    sys.exit(run(read_settings(os.environ), (), None, False))
