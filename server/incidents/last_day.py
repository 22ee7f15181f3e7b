"""Read how the events of incidents came over the last day, an hour at a time."""

from collections.abc import Sequence
from datetime import datetime

from server.storage.database import Transaction
from server.storage.main import incident_hours
from server.storage.main.incidents import StoredIncident
from server.storage.times import to_micros

HOURS = 24


async def read_last_day(
    tx: Transaction, found: Sequence[StoredIncident], now: datetime
) -> list[list[int]]:
    """Return for each incident its events in each of the last 24 hours, the running one last."""
    running = to_micros(now) // incident_hours.HOUR_US
    ids = [each.summary.incident_id for each in found]
    counts = await incident_hours.of_incidents(tx, ids, range(running - HOURS + 1, running + 1))
    return [counts[incident_id] for incident_id in ids]
