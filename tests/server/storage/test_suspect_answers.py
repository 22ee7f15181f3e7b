"""What people say about suspects: one answer each, and kept when the incident goes."""

from server.storage.database import Transaction
from server.storage.main import incidents, suspect_answers, suspected_commits
from server.storage.main.suspect_answers import AnsweredIncident, SuspectAnswer
from server.storage.times import to_micros
from shared.incident import SuspectCommit
from shared.pipe import IncidentEnded
from tests.builders import at
from tests.server.web.conftest import incident, incident_id

ID = incident_id(1)


def said(by: str = "ada", *, is_right: bool = True, commit_id: str = "c1") -> SuspectAnswer:
    return SuspectAnswer(commit_id=commit_id, by=by, is_right=is_right, at=at(0))


async def test_a_person_has_one_answer_about_a_commit_and_may_change_it(tx: Transaction) -> None:
    assert await suspect_answers.put(tx, ID, said())
    assert not await suspect_answers.put(tx, ID, said())
    assert await suspect_answers.put(tx, ID, said("bob"))
    assert await suspect_answers.put(tx, ID, said(commit_id="c2"))
    assert await suspect_answers.put(tx, ID, said(is_right=False))
    assert await suspect_answers.of_incident(tx, ID) == [
        said(is_right=False),
        said("bob"),
        said(commit_id="c2"),
    ]
    assert await suspect_answers.of_incident(tx, incident_id(2)) == []


async def test_answers_outlive_their_incident_with_the_error_they_are_about(
    tx: Transaction,
) -> None:
    await incidents.put(tx, incident(1))
    await suspect_answers.put(tx, ID, said())
    await suspect_answers.put_error(tx, ID, b"earlier")
    await suspect_answers.put_error(tx, ID, b"{}")
    await incidents.end(tx, IncidentEnded(ID, "quiet", at(0)))
    assert await incidents.remove_old(tx, to_micros(at(1)), 10_000, 9) == 1
    await suspect_answers.put(tx, incident_id(2), said("bob"))
    assert [each async for each in suspect_answers.all_answered(tx)] == [
        AnsweredIncident(incident_id=ID, answers=[said()], error=b"{}"),
        AnsweredIncident(incident_id=incident_id(2), answers=[said("bob")], error=None),
    ]


async def test_what_was_suspected_once_is_known_until_the_incident_goes(tx: Transaction) -> None:
    for seq, commit_id in ((1, "c1"), (2, "c2")):
        suspects = [SuspectCommit(commit_id, 1.0, 0.5, [])]
        await incidents.put(tx, incident(1, seq=seq, suspected_causes=suspects))
    for commit_id, is_known in (("c1", True), ("c2", True), ("c3", False)):
        assert await suspected_commits.has(tx, ID, commit_id) is is_known
    await incidents.end(tx, IncidentEnded(ID, "quiet", at(0)))
    await incidents.remove_old(tx, to_micros(at(1)), 10_000, 9)
    assert not await suspected_commits.has(tx, ID, "c1")
