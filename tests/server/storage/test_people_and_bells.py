"""The tables people and notifications: who is there to be told, and whose bell rang."""

from server.storage.database import Transaction
from server.storage.main import incidents, notifications, people
from server.storage.main.notifications import Change
from server.storage.main.people import Wishes
from tests.server.web.conftest import incident, incident_id
from tests.signed_in import OPERATOR

WISHES = Wishes(
    email=None, email_incidents=True, min_severity="error", services=["shop"], environments=None
)


async def test_wishes_are_set_of_who_is_there_and_of_nobody_else(tx: Transaction) -> None:
    assert await people.set_wishes(tx, OPERATOR, WISHES)
    assert not await people.set_wishes(tx, OPERATOR + 1, WISHES)
    (person,) = await people.everyone(tx)
    assert (person.min_severity, person.services) == ("error", ["shop"])


async def test_the_newest_bells_of_an_incident_come_oldest_first(tx: Transaction) -> None:
    await incidents.put(tx, incident(1))
    for seq, change in enumerate(("opened", "escalated", "ended")):
        told = Change(
            incident_id=incident_id(1), seq=seq, change=change, title="ValueError", at=seq
        )
        await notifications.add(tx, told, [OPERATOR])
    for limit, rung in ((9, ["opened", "escalated", "ended"]), (2, ["escalated", "ended"])):
        bells = await notifications.of_incident(tx, incident_id(1), limit)
        assert [bell.change for bell in bells] == rung
