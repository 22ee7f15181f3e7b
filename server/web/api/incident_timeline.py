"""What the page and the API show of the past of one incident."""

from server.storage.database import Transaction
from server.storage.main import incidents, not_told, notifications, outbox
from server.storage.main.outbox import DeliveryFilter
from server.wording.timeline import TimelineItem, timeline

LIMIT = 200
"""The limit for each kind of item; if there are more, the newest are shown."""


async def read_timeline(tx: Transaction, incident_id: str) -> list[TimelineItem]:
    """Return everything that the database holds of the incident, oldest first."""
    return timeline(
        await incidents.changes(tx, incident_id, LIMIT),
        await notifications.of_incident(tx, incident_id, LIMIT),
        await outbox.newest(tx, DeliveryFilter(incident_id=incident_id), LIMIT),
        await not_told.of_incident(tx, incident_id, LIMIT),
    )
