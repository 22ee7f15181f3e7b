"""What the page and the API tell of the past of one incident."""

from server.storage.database import Transaction
from server.storage.main import incidents, notifications, outbox
from server.storage.main.outbox import DeliveryFilter
from server.wording.timeline import TimelineItem, timeline

LIMIT = 200
"""Of changes, bells and deliveries each; the newest, where there are more."""


async def read_timeline(tx: Transaction, incident_id: str) -> list[TimelineItem]:
    """All that the database holds of it, the oldest first."""
    return timeline(
        await incidents.changes(tx, incident_id, LIMIT),
        await notifications.of_incident(tx, incident_id, LIMIT),
        await outbox.newest(tx, DeliveryFilter(incident_id=incident_id), LIMIT),
    )
