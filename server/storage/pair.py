"""Checks that journal and main database belong together.

The journal must hold what was decided, and still hold what is not decided yet.
"""

from pathlib import Path

from server.settings.settings import Settings
from server.storage.database import Transaction
from server.storage.journal.journal import Journal
from server.storage.main import checkpoints


class NotAPair(RuntimeError):
    """The journal does not fit the main database.

    Either the journal ends before what the main database has decided, so it is another or an old
    one: new events would get numbers that count as decided, and nobody would hear of them. Or it
    begins after what the engine must be given next: events between the two would be skipped.
    """


def why_no_data(settings: Settings) -> str | None:
    """Return what is missing of the data that a command is to work on, and what to do."""
    for path in (settings.database_path, settings.journal_path):
        if not path.exists():
            return f"{path.absolute()} does not exist: set DATABASE_URL to where the data is"
    return None


async def join_pair(tx: Transaction, journal: Journal, path: Path) -> None:
    """Raise `NotAPair` if `journal`, the file at `path`, cannot be the one behind these results.

    A new main database begins with what the journal still has.
    """
    progress = await checkpoints.progress(tx)
    decided = max(progress.watermark, progress.recorded_seq)
    if decided > journal.last_seq:
        raise NotAPair(
            f"the journal {path} ends with entry {journal.last_seq}, but the main database has "
            f"decided up to entry {decided}: it is not the journal that belongs to it. Put that "
            "one back, or restore both from one backup (scripts/restore). To begin anew with this "
            "journal, move the main database aside: what is in the journal is decided again."
        )
    oldest = await journal.read(0, 1, 0)
    if not oldest or oldest[0].seq <= progress.watermark + 1:
        return
    if decided > 0:
        raise NotAPair(
            f"the journal {path} begins with entry {oldest[0].seq}, since older ones were removed, "
            f"but the engine would go on after entry {progress.watermark}: the main database is an "
            "older one than belongs to this journal. Put the newer one back, or restore both from "
            "one backup (scripts/restore). To begin anew with this journal, move the main "
            "database aside: what is in the journal is decided again."
        )
    # Store this now: an engine that dies before its first checkpoint would no longer look new.
    await checkpoints.store(tx, oldest[0].seq - 1, [])
