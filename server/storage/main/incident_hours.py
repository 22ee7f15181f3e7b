"""The table incident_hours: how many events of an incident came in each hour.

An hour is a number: hours since 1970, in UTC.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert as upsert
from server.storage.main.tables import incident_hours

HOUR_US = 3_600_000_000


async def count(tx: AsyncConnection, events: Mapping[tuple[str, int], int]) -> None:
    """Add `events` to what was counted so far; they are by incident and hour."""
    if not events:
        return
    add = upsert(incident_hours)
    await tx.execute(
        add.on_conflict_do_update(
            index_elements=["incident_id", "hour"],
            set_={"events": incident_hours.c.events + add.excluded.events},
        ),
        [
            {"incident_id": incident_id, "hour": hour, "events": number}
            for (incident_id, hour), number in events.items()
        ],
    )


async def of_incidents(
    tx: AsyncConnection, incident_ids: Sequence[str], hours: Sequence[int]
) -> dict[str, list[int]]:
    """Return for each incident how many events came in each of `hours`, which are ascending."""
    found = {incident_id: [0] * len(hours) for incident_id in incident_ids}
    rows = await tx.execute(
        select(incident_hours).where(
            incident_hours.c.incident_id.in_(incident_ids),
            incident_hours.c.hour >= hours[0],
            incident_hours.c.hour <= hours[-1],
        )
    )
    for row in rows:
        found[row.incident_id][row.hour - hours[0]] = row.events
    return found
