"""Find the sources that have gone silent, in what is known of the last weeks."""

from datetime import UTC, datetime

from server.storage.database import Transaction
from server.storage.main import active_hours
from server.storage.main.active_hours import KEPT_HOURS, PUSHLOG
from server.troubles.silence import is_silent
from server.wording.formats import source_name, utc

LOOK_EVERY = 5
"""Minutes between two looks: none finds silence sooner than in a quarter of an hour."""


class Rhythms:
    """Looks every few minutes, and remembers what it found meanwhile."""

    def __init__(self) -> None:
        self._looked_at = 0
        self._silent: list[str] = []

    async def silent(self, tx: Transaction, now: int) -> list[str]:
        """Return a sentence for each source that is silent; `now` is in microseconds."""
        minute = now // 60_000_000
        if not 0 <= minute - self._looked_at < LOOK_EVERY:
            self._silent = await _find(tx, minute)
            self._looked_at = minute
        return self._silent


async def _find(tx: Transaction, minute: int) -> list[str]:
    first = (minute // 60 - KEPT_HOURS) * 60
    active = await active_hours.since(tx, first)
    up = active.pop(PUSHLOG, 0)
    found = []
    for source, bits in sorted(active.items()):
        # What was marked by a clock that was ahead must not hide anything.
        past = bits & ((1 << (minute - first)) - 1)
        if is_silent(past, up, minute - first):
            last = datetime.fromtimestamp(60 * (first + past.bit_length()), UTC)
            found.append(
                f"{source_name(source)} has sent nothing since {utc(last)}, and sent something in "
                "each of the last weeks at these times"
            )
    return found
