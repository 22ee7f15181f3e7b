"""Which of the bot's messages are out of date, and which are forgotten."""

from server.storage.database import Transaction
from server.storage.main import incidents, slack_messages
from server.storage.main.slack_messages import EVERYBODY, SlackMessage
from shared.pipe import IncidentEnded
from tests.builders import at
from tests.server.web.conftest import incident, incident_id

NOW = 1_700_000_000_000_000


async def say(
    tx: Transaction, number: int, *, said_seq: int, edited_at: int = NOW, receiver: str = "#a"
) -> None:
    """An incident that is known up to entry 5, and what its message says."""
    await incidents.put(tx, incident(number, seq=5))
    ts = f"1700000000.{number:06}"
    message = SlackMessage(incident_id(number), receiver, "C1", ts, b"[]", said_seq)
    await slack_messages.put(tx, message, edited_at)


async def due(tx: Transaction, edited_before: int = NOW + 1, limit: int = 9) -> list[str]:
    found = await slack_messages.out_of_date(tx, edited_before, limit)
    assert {receiver for _, receiver in found} <= {"#a"}
    return [incident for incident, _ in found]


async def test_a_message_is_out_of_date_when_more_is_known_than_it_says(tx: Transaction) -> None:
    await say(tx, 1, said_seq=4)
    await say(tx, 2, said_seq=5)
    assert await due(tx) == [incident_id(1)]
    await incidents.end(tx, IncidentEnded(incident_id(1), "quiet", at(0)))
    assert await due(tx) == []


async def test_what_was_edited_at_that_time_or_later_has_to_wait(tx: Transaction) -> None:
    await say(tx, 1, said_seq=4, edited_at=NOW)
    assert await due(tx, NOW) == []
    assert await due(tx, NOW + 1) == [incident_id(1)]


async def test_the_longest_unedited_come_first_and_one_that_was_tried_comes_last(
    tx: Transaction,
) -> None:
    for number in (1, 2, 3):
        await say(tx, number, said_seq=4, edited_at=NOW - number)
    assert await due(tx) == [incident_id(3), incident_id(2), incident_id(1)]
    await slack_messages.tried(tx, incident_id(3), "#a", NOW)
    assert await due(tx, limit=2) == [incident_id(2), incident_id(1)]


async def test_a_message_is_replaced_and_forgotten(tx: Transaction) -> None:
    await say(tx, 1, said_seq=4)
    newer = SlackMessage(incident_id(1), "#a", "C2", "1700000009.000001", b"[1]", 5)
    await slack_messages.put(tx, newer, NOW)
    assert await slack_messages.get(tx, incident_id(1), "#a") == newer
    await slack_messages.forget(tx, incident_id(1), "#a")
    assert await slack_messages.get(tx, incident_id(1), "#a") is None


async def test_each_receiver_has_a_message_of_their_own(tx: Transaction) -> None:
    await say(tx, 1, said_seq=4, edited_at=NOW - 1)
    await say(tx, 1, said_seq=4, edited_at=NOW - 2, receiver="#b")
    both = [(incident_id(1), "#b"), (incident_id(1), "#a")]
    assert await slack_messages.out_of_date(tx, NOW, 9) == both
    await slack_messages.tried(tx, incident_id(1), "#b", NOW)
    assert await slack_messages.out_of_date(tx, NOW, 9) == both[1:]
    await slack_messages.forget(tx, incident_id(1), "#b")
    assert await slack_messages.find(tx, incident_id(1), "#b") is None
    assert await slack_messages.find(tx, incident_id(1), "#a") is not None


async def test_who_has_no_message_of_their_own_reads_that_for_everybody(tx: Transaction) -> None:
    await say(tx, 1, said_seq=4, receiver=EVERYBODY)
    await say(tx, 1, said_seq=5)
    found = {
        receiver: await slack_messages.find(tx, incident_id(1), receiver)
        for receiver in ("#a", "#b")
    }
    assert {name: each and each.receiver for name, each in found.items()} == {
        "#a": "#a",
        "#b": EVERYBODY,
    }
    assert await slack_messages.get(tx, incident_id(1), "#b") is None


async def test_old_messages_go_by_their_second_unless_their_incident_is_there(
    tx: Transaction,
) -> None:
    await say(tx, 1, said_seq=5)
    for name, ts in (("before", "1699999999.9"), ("then", "1700000000.0")):
        await slack_messages.put(tx, SlackMessage(name, EVERYBODY, "C1", ts, b"[]", 0), NOW)
    assert await slack_messages.remove_old(tx, NOW, 9) == 1
    assert await slack_messages.get(tx, "before", EVERYBODY) is None
    assert await slack_messages.get(tx, "then", EVERYBODY) is not None
    assert await slack_messages.remove_old(tx, NOW + 1_000_000, 9) == 1
    assert await slack_messages.get(tx, incident_id(1), "#a") is not None


async def test_old_messages_about_one_subject_go_one_by_one(tx: Transaction) -> None:
    for receiver in ("#a", "#b"):
        message = SlackMessage(incident_id(1), receiver, "C1", "1699999999.9", b"[]", 0)
        await slack_messages.put(tx, message, NOW)
    assert [await slack_messages.remove_old(tx, NOW, 1) for _ in range(3)] == [1, 1, 0]
