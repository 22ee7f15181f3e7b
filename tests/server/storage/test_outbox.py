"""What the outbox promises: one row a key, one owner a row, and nothing due is forgotten."""

from typing import Any

from server.storage.database import Transaction
from server.storage.main import outbox
from server.storage.main.outbox import (
    GIVE_UP_AFTER_US,
    Delivery,
    DeliveryFilter,
    NewDelivery,
    Undelivered,
)
from server.storage.times import from_micros

NOW = 1_700_000_000_000_000
LATER = NOW + 1_000
ADA, BOB = "ada@acme.example", "bob@acme.example"


async def add(tx: Transaction, key: str, receiver: str = ADA, at: int = NOW, **changes: Any) -> int:
    """A new row; its id."""
    fields = {"channel": "email", "incident_id": None, "news": b"{}"} | changes
    assert await outbox.add(tx, [NewDelivery(key=key, receiver=receiver, **fields)], at) == 1
    (newest,) = await outbox.newest(tx, DeliveryFilter(), 1)
    return newest.id


async def row(tx: Transaction, row_id: int) -> Delivery:
    found = await outbox.get(tx, row_id)
    assert found is not None
    return found


async def due_keys(tx: Transaction, now: int = NOW, limit: int = 100) -> list[str]:
    return [each.key for each in await outbox.due(tx, "email", ADA, now, limit)]


async def test_a_row_waits_from_the_moment_on_and_for_a_day(tx: Transaction) -> None:
    made = await row(tx, await add(tx, "a", incident_id="inc-1", news=b'{"n":1}'))
    assert (made.key, made.channel, made.receiver, made.incident_id, made.news) == (
        *("a", "email", ADA, "inc-1", b'{"n":1}'),
    )
    assert (made.state, made.attempts, made.sent_at, made.last_error) == ("waiting", 0, None, None)
    assert made.created_at == made.next_at == from_micros(NOW)
    assert made.give_up_at == from_micros(NOW + 24 * 3600 * 1_000_000)
    assert await outbox.get(tx, made.id + 1) is None


async def test_under_a_key_that_is_there_nothing_changes(tx: Transaction) -> None:
    before = await row(tx, await add(tx, "a"))
    again = NewDelivery(key="a", channel="slack", receiver=BOB, incident_id="x", news=b"[]")
    for _ in range(2):
        assert await outbox.add(tx, [again], LATER) == 0
    assert await outbox.newest(tx, DeliveryFilter(), 10) == [before]


async def test_what_is_urgent_is_due_first_unless_it_failed(tx: Transaction) -> None:
    await add(tx, "usual")
    failed = await add(tx, "failed", urgent=True)
    await add(tx, "urgent", urgent=True)
    await outbox.claim(tx, [failed], NOW, LATER)
    await outbox.mark_for_retry(tx, [failed], "down", NOW)
    assert await due_keys(tx) == ["urgent", "usual", "failed"]


async def test_due_is_what_waits_for_this_receiver_on_this_channel_by_now(tx: Transaction) -> None:
    await add(tx, "now")
    await add(tx, "later", at=NOW + 1)
    await add(tx, "other receiver", BOB)
    await add(tx, "other channel", channel="slack")
    for name in ("sent", "failed"):
        row_id = await add(tx, name)
        await (outbox.mark_sent(tx, [row_id], NOW) if name == "sent"
               else outbox.mark_failed(tx, [row_id], "no"))  # fmt: skip
    assert await due_keys(tx) == ["now"]
    assert await due_keys(tx, NOW - 1) == []
    assert await due_keys(tx, NOW + 1) == ["now", "later"]


async def test_due_is_oldest_first_but_what_failed_before_comes_last(tx: Transaction) -> None:
    first, *_ = [await add(tx, key) for key in "abc"]
    await outbox.claim(tx, [first], NOW, LATER)
    await outbox.mark_for_retry(tx, [first], "no", NOW)
    assert await due_keys(tx) == ["b", "c", "a"]
    assert await due_keys(tx, limit=2) == ["b", "c"]
    assert await due_keys(tx, limit=3) == ["b", "c", "a"]


async def test_who_waits_longest_is_served_first_and_only_who_waits(tx: Transaction) -> None:
    await add(tx, "a", BOB)
    await add(tx, "b", ADA)
    await add(tx, "c", BOB)
    await add(tx, "d", "eve@acme.example", at=NOW + 1)
    await add(tx, "e", "#alerts", channel="slack")
    assert await outbox.due_receivers(tx, "email", NOW) == [BOB, ADA]
    assert await outbox.due_receivers(tx, "email", NOW + 1) == [BOB, ADA, "eve@acme.example"]
    assert await outbox.due_receivers(tx, "slack", NOW) == ["#alerts"]
    assert await outbox.due_receivers(tx, "email", NOW - 1) == []


async def test_the_next_one_due_is_the_first_of_those_that_are_not_yet(tx: Transaction) -> None:
    assert await outbox.next_due_at(tx, "email", NOW) is None
    await add(tx, "a")
    second = await add(tx, "b", at=NOW + 2)
    await add(tx, "c", at=NOW + 5)
    await add(tx, "d", at=NOW + 1, channel="slack")
    assert await outbox.next_due_at(tx, "email", NOW - 1) == NOW
    assert await outbox.next_due_at(tx, "email", NOW) == NOW + 2
    assert await outbox.next_due_at(tx, "email", NOW + 2) == NOW + 5
    assert await outbox.next_due_at(tx, "email", NOW + 5) is None
    # One that is claimed is due again at the end of its lease.
    await outbox.claim(tx, [second], NOW + 2, NOW + 4)
    assert await outbox.next_due_at(tx, "email", NOW + 2) == NOW + 4
    await outbox.mark_sent(tx, [second], NOW + 3)
    assert await outbox.next_due_at(tx, "email", NOW + 2) == NOW + 5


async def test_who_claims_a_row_has_it_alone_until_the_lease_ends(tx: Transaction) -> None:
    first, second = await add(tx, "a"), await add(tx, "b", at=NOW + 1)
    assert await outbox.claim(tx, [first, second, 99], NOW, LATER) == [first]
    claimed = await row(tx, first)
    assert (claimed.state, claimed.attempts) == ("sending", 1)
    assert claimed.next_at == from_micros(LATER)
    assert (await row(tx, second)).attempts == 0
    assert await outbox.claim(tx, [first], LATER - 1, LATER + 9) == []
    assert await due_keys(tx, LATER - 1) == ["b"]
    assert await outbox.claim(tx, [first], LATER, LATER + 9) == [first]
    assert (await row(tx, first)).attempts == 2


async def test_what_is_settled_cannot_be_claimed(tx: Transaction) -> None:
    ids = [await add(tx, key) for key in "abc"]
    await outbox.mark_sent(tx, ids[:2], NOW)
    await outbox.mark_failed(tx, ids[2:], "no")
    assert await outbox.claim(tx, ids, LATER, LATER) == []


async def test_of_several_that_were_told_as_one_the_first_is_the_message(tx: Transaction) -> None:
    first, *others = [await add(tx, key) for key in "abc"]
    untouched = await add(tx, "d")
    await outbox.mark_for_retry(tx, [first], "no", NOW)
    await outbox.mark_sent(tx, [first, *others], LATER)
    told = [await row(tx, row_id) for row_id in (first, *others)]
    assert [each.state for each in told] == ["sent", "digested", "digested"]
    assert {each.sent_at for each in told} == {from_micros(LATER)}
    assert {each.last_error for each in told} == {None}
    assert (await row(tx, untouched)).state == "waiting"
    # A digest counts as one; only what came after the given moment counts.
    assert await outbox.sent_since(tx, "email", ADA, LATER - 1) == [LATER]
    assert await outbox.sent_since(tx, "email", ADA, LATER) == []
    assert await outbox.sent_since(tx, "email", BOB, 0) == []
    assert await outbox.sent_since(tx, "slack", ADA, 0) == []
    await outbox.mark_sent(tx, [untouched], LATER - 5)
    assert await outbox.sent_since(tx, "email", ADA, 0) == [LATER - 5, LATER]


async def test_what_is_given_up_keeps_its_reason_and_is_not_due(tx: Transaction) -> None:
    first, second = await add(tx, "a"), await add(tx, "b")
    await outbox.mark_failed(tx, [first], "no such user")
    assert ((await row(tx, first)).state, (await row(tx, first)).last_error) == (
        "failed",
        "no such user",
    )
    assert (await row(tx, second)).state == "waiting"
    assert await due_keys(tx, LATER) == ["b"]


async def test_what_is_to_be_tried_again_is_due_then_and_not_before(tx: Transaction) -> None:
    row_id = await add(tx, "a")
    await outbox.claim(tx, [row_id], NOW, LATER + 50)
    await outbox.mark_for_retry(tx, [row_id], "nobody at home", LATER)
    waiting = await row(tx, row_id)
    assert (waiting.state, waiting.last_error, waiting.attempts) == (
        *("waiting", "nobody at home", 1),
    )
    assert await due_keys(tx, LATER - 1) == []
    assert await due_keys(tx, LATER) == ["a"]


async def test_only_what_has_waited_for_a_day_is_given_up(tx: Transaction) -> None:
    tried, untried = await add(tx, "tried"), await add(tx, "untried")
    claimed, young = await add(tx, "claimed"), await add(tx, "young", at=NOW + 1)
    bobs, slack = await add(tx, "bob", BOB), await add(tx, "slack", channel="slack")
    await outbox.mark_for_retry(tx, [tried], "nobody at home", NOW)
    await outbox.claim(tx, [claimed], NOW, LATER)
    end = NOW + GIVE_UP_AFTER_US
    assert await outbox.give_up(tx, "email", ADA, "a day is over", end - 1) == 0
    assert await outbox.give_up(tx, "email", ADA, "a day is over", end) == 2
    assert await outbox.give_up(tx, "email", ADA, "a day is over", end) == 0
    found = {row_id: await row(tx, row_id) for row_id in (tried, untried)}
    assert {each.state for each in found.values()} == {"failed"}
    assert found[tried].last_error == "nobody at home"
    assert found[untried].last_error == "a day is over"
    states = [(await row(tx, row_id)).state for row_id in (claimed, young, bobs, slack)]
    assert states == ["sending", "waiting", "waiting", "waiting"]


async def test_what_a_dead_process_had_claimed_is_due_again_at_once(tx: Transaction) -> None:
    ids = [await add(tx, key) for key in "ab"]
    slack = await add(tx, "slack", channel="slack")
    await outbox.claim(tx, [ids[0], slack], NOW, LATER)
    assert await outbox.release(tx, "email", NOW + 1) == 1
    assert await outbox.release(tx, "email", NOW + 1) == 0
    freed = await row(tx, ids[0])
    assert (freed.state, freed.attempts) == ("waiting", 1)
    assert freed.next_at == from_micros(NOW + 1)
    assert (await row(tx, ids[1])).next_at == from_micros(NOW)
    assert (await row(tx, slack)).state == "sending"


async def test_only_what_is_settled_can_be_asked_for_again_and_then_for_another_day(
    tx: Transaction,
) -> None:
    sent, digested, failed, waiting = [await add(tx, key) for key in "abcd"]
    await outbox.mark_sent(tx, [sent, digested], NOW)
    await outbox.mark_failed(tx, [failed], "no")
    for row_id in (sent, digested, failed):
        assert await outbox.resend(tx, row_id, LATER)
        again = await row(tx, row_id)
        assert (again.state, again.next_at) == ("waiting", from_micros(LATER))
        assert again.give_up_at == from_micros(LATER + GIVE_UP_AFTER_US)
        assert not await outbox.resend(tx, row_id, LATER)
    assert not await outbox.resend(tx, waiting, LATER)
    assert not await outbox.resend(tx, 99, LATER)
    await outbox.claim(tx, [waiting], NOW, LATER)
    assert not await outbox.resend(tx, waiting, LATER)


async def test_rows_are_listed_newest_first_by_what_is_asked(tx: Transaction) -> None:
    a, b, c = (
        await add(tx, "a", incident_id="inc-1"),
        await add(tx, "b", channel="slack", receiver="#alerts", incident_id="inc-1"),
        await add(tx, "c", BOB),
    )
    await outbox.mark_failed(tx, [c], "no")

    async def listed(limit: int = 10, before: int | None = None, **wanted: Any) -> list[int]:
        found = await outbox.newest(tx, DeliveryFilter(**wanted), limit, before)
        return [each.id for each in found]

    assert await listed() == [c, b, a]
    assert await listed(2) == [c, b]
    assert await listed(before=c) == [b, a]
    assert await listed(before=a) == []
    assert await listed(state="failed") == [c]
    assert await listed(channel="slack") == [b]
    assert await listed(incident_id="inc-1") == [b, a]
    assert await listed(incident_id="inc-1", channel="email") == [a]
    assert await outbox.receivers_told(tx, "inc-1") == {("email", ADA), ("slack", "#alerts")}
    assert await outbox.receivers_told(tx, "inc-2") == set()
    assert await outbox.counts(tx) == {
        "waiting": 2,
        "sending": 0,
        "sent": 0,
        "failed": 1,
        "digested": 0,
    }


async def test_what_is_old_and_settled_is_removed_and_what_waits_is_not(tx: Transaction) -> None:
    old, waiting, newer = await add(tx, "a"), await add(tx, "b"), await add(tx, "c", at=NOW + 1)
    oldest = await add(tx, "d", at=NOW - 1)
    await outbox.mark_sent(tx, [old], NOW)
    await outbox.mark_failed(tx, [oldest, newer], "no")
    assert await outbox.remove_old(tx, NOW - 1, 10) == 0
    assert await outbox.remove_old(tx, NOW + 1, 1) == 1
    assert await outbox.get(tx, oldest) is None
    assert await outbox.remove_old(tx, NOW + 1, 10) == 1
    kept = [each.id for each in await outbox.newest(tx, DeliveryFilter(), 10)]
    assert kept == [newer, waiting]


async def test_who_got_nothing_since_a_failure_is_named_with_the_last_reason(
    tx: Transaction,
) -> None:
    first, second = await add(tx, "a"), await add(tx, "b")
    await outbox.mark_failed(tx, [first], "refused")
    await outbox.mark_failed(tx, [second], "no such mailbox")
    reached = await add(tx, "c", BOB)
    await outbox.mark_failed(tx, [reached], "refused")
    await outbox.mark_sent(tx, [await add(tx, "d", BOB)], NOW)
    assert await outbox.undelivered(tx, created_after=NOW - 1, due_by=NOW) == [
        Undelivered(channel="email", receiver=ADA, messages=2, reason="no such mailbox")
    ]
    assert await outbox.undelivered(tx, created_after=NOW, due_by=NOW) == []
