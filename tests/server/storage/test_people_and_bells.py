"""The tables people and notifications: who is there to be told, and whose bell rang."""

from server.storage.database import Transaction
from server.storage.main import incidents, notifications, people
from server.storage.main.notifications import Change
from server.storage.main.people import Wishes
from server.storage.times import from_micros
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


async def ring(tx: Transaction, *seqs: int) -> list[int]:
    """Notify the operator of a change at each of these entries; the ids, oldest first."""
    await incidents.put(tx, incident(1))
    for seq in seqs:
        told = Change(
            incident_id=incident_id(1), seq=seq, change="opened", title="ValueError", at=seq
        )
        await notifications.add(tx, told, [OPERATOR])
    return [each.id for each in await notifications.newest(tx, OPERATOR, 100)][::-1]


async def test_pages_of_notifications_go_back_and_news_goes_on(tx: Transaction) -> None:
    first, second, third = await ring(tx, 1, 2, 3)
    page = await notifications.newest(tx, OPERATOR, 9, before=third)
    assert [each.id for each in page] == [second, first]
    news = await notifications.newer_than(tx, OPERATOR, first, 9)
    assert [each.id for each in news] == [second, third]
    assert [each.id for each in await notifications.newer_than(tx, OPERATOR, first, 1)] == [second]
    assert await notifications.newest_id(tx, OPERATOR) == third
    assert await notifications.newest_id(tx, OPERATOR + 1) == 0


async def test_all_up_to_the_last_one_that_was_seen_are_marked_as_read_once(
    tx: Transaction,
) -> None:
    first, second, third = await ring(tx, 1, 2, 3)
    assert await notifications.mark_read(tx, OPERATOR, first, 10)
    assert await notifications.mark_all_read(tx, OPERATOR, second, 20) == 1
    assert await notifications.unread_count(tx, OPERATOR) == 1
    assert await notifications.mark_read(tx, OPERATOR, first, 30)
    read = {each.id: each.read_at for each in await notifications.newest(tx, OPERATOR, 9)}
    assert read == {first: from_micros(10), second: from_micros(20), third: None}
    assert not await notifications.mark_read(tx, OPERATOR + 1, first, 30)
