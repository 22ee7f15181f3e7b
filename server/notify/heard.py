"""Find out who was told about an incident before."""

from server.notify.planning.plan import Heard
from server.storage.database import Transaction
from server.storage.main import notifications, outbox


async def heard_before(tx: Transaction, incident_id: str) -> Heard:
    """Return who was told, or will be told, about this incident."""
    return Heard(
        await notifications.people_told(tx, incident_id),
        await outbox.receivers_told(tx, incident_id),
    )
