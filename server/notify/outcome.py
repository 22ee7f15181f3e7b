"""Note what became of a plan: that people know of an incident now, and who does not, and why."""

from server.notify.planning.plan import Plan
from server.storage.database import Transaction
from server.storage.main import not_told, unacknowledged, waiting_incidents
from server.storage.main.notifications import Change


async def note_outcome(tx: Transaction, plan: Plan, told: Change, now: int) -> None:
    """Note this of what was `told` by `plan` at `now` (microseconds).

    Once somebody hears that an incident opened or got worse, it waits no longer to be told, and
    waits to be acknowledged.
    """
    if told.change in ("opened", "escalated") and (plan.people or plan.deliveries):
        await waiting_incidents.end(tx, told.incident_id)
        await unacknowledged.told(tx, told.incident_id, now)
    await not_told.add(tx, told.incident_id, told.seq, told.change, told.at, plan.not_told)
