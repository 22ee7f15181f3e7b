"""Journal and main database belong together: what is decided must be in the journal."""

from pathlib import Path

from server.storage.checkpoints import Progress
from server.storage.journal import Journal


class NotAPair(RuntimeError):
    """The journal ends before what the main database has decided, so it is another or an old one.

    With it, new events would get numbers that count as decided, and nobody would hear of them.
    """


def refuse_another_journal(progress: Progress, journal: Journal, path: Path) -> None:
    """Raise `NotAPair` where `journal`, the file at `path`, cannot be that of these results."""
    decided = max(progress.watermark, progress.recorded_seq)
    if decided > journal.last_seq:
        raise NotAPair(
            f"the journal {path} ends with entry {journal.last_seq}, but the main database has "
            f"decided up to entry {decided}: it is not the journal that belongs to it. Put that "
            "one back, or restore both from one backup (scripts/restore). To begin anew with this "
            "journal, move the main database aside: all is decided again from the journal."
        )
