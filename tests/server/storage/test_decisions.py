"""Decisions: found by their entry, counted by their incident, and removed with their batch."""

from server.storage.database import Transaction
from server.storage.main import decisions
from shared.decisions import Code
from shared.pipe import Decision

MINE, OTHER = "inc-0000000000000001", "inc-0000000000000002"


async def store(tx: Transaction, *seqs: int, incident_id: str | None = MINE) -> None:
    await decisions.store(tx, [Decision(seq, Code.IN_INCIDENT, incident_id) for seq in seqs])


async def test_a_span_excludes_its_first_entry_and_includes_its_last(tx: Transaction) -> None:
    await store(tx, 1, 2, 3, 4)
    await store(tx, 5, incident_id=OTHER)
    spans = [(0, 1), (1, 3), (3, 3), (3, 9), (9, 10)]
    assert await decisions.count_of_incident(tx, MINE, spans) == [1, 2, 0, 1, 0]
    assert await decisions.count_of_incident(tx, OTHER, [(0, 4), (4, 5)]) == [0, 1]


async def test_a_decision_is_found_at_either_end_of_its_batch(tx: Transaction) -> None:
    await store(tx, 2, 3, 4)
    await store(tx, 7)
    for seq in (2, 3, 4, 7):
        found = await decisions.get(tx, seq)
        assert found is not None
        assert found.seq == seq
    for seq in (1, 5, 8):
        assert await decisions.get(tx, seq) is None
    assert sorted(await decisions.get_some(tx, [1, 2, 4, 7])) == [2, 4, 7]


async def test_a_batch_is_removed_when_all_of_it_is_old_the_oldest_first(tx: Transaction) -> None:
    for seqs in ((1, 2), (3, 4), (5, 6)):
        await store(tx, *seqs)
    assert await decisions.remove_batches(tx, before_seq=4, limit=9) == 1
    assert await decisions.get(tx, 3) is not None
    assert await decisions.remove_batches(tx, before_seq=9, limit=1) == 1
    assert await decisions.get(tx, 3) is None
    assert await decisions.get(tx, 5) is not None
