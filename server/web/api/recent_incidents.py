"""Read the incidents of the last days, to say what a setting would have done about them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from server.storage.database import Database
from server.storage.main import incidents
from server.storage.main.incidents import IncidentFilter, place_of
from shared.incident import IncidentSummary

MOST_INCIDENTS = 5_000
"""How many of the newest incidents are looked at, at most."""

_AT_ONCE = 250


async def recent_incidents(database: Database, days: int) -> AsyncIterator[list[IncidentSummary]]:
    """Yield the incidents that began in the last `days`, newest first, some at a time."""
    since = datetime.now(UTC) - timedelta(days=days)
    after = None
    for _ in range(0, MOST_INCIDENTS, _AT_ONCE):
        # In short transactions, so that nobody waits for a place among the readers.
        async with database.read() as tx:
            found = await incidents.newest(tx, IncidentFilter(), _AT_ONCE, after)
        recent = [each.summary for each in found if each.summary.start_time >= since]
        yield recent
        # An event that came late may have opened a new incident that began long ago.
        if len(found) < _AT_ONCE or not recent:
            return
        after = place_of(found[-1])
