"""People say whether a suspect is the cause, and the error is kept with what it could be."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from server.incidents.actions import Actions
from server.incidents.answered_error import AnsweredError, decode
from server.notify.live import Live
from server.storage.database import Database
from server.storage.journal.journal import open_journal
from server.storage.main import deploys, incidents, suspect_answers
from shared.event import ChangeWindow, Frame
from shared.incident import SuspectCommit
from shared.pipe import Incident, IncidentEnded
from tests.builders import at, change_window, commit
from tests.server.web.conftest import incident, incident_id

ID = incident_id(1)

Judge = Callable[..., Awaitable[str]]


@pytest.fixture
def counted() -> list[bool]:
    return []


@pytest.fixture
async def judge(database: Database, tmp_path: Path, counted: list[bool]) -> Judge:
    """Ada's answer about a commit of the incident."""

    async def judges(commit_id: str, *, is_right: bool = True, of: str = ID) -> str:
        async with open_journal(tmp_path / "journal.db") as journal:
            actions = Actions(database, journal, Live(), judged=counted.append, now=lambda: at(60))
            return await actions.judge_suspect(of, commit_id, "ada", is_right=is_right)

    return judges


async def put(database: Database, opened: Incident, *windows: ChangeWindow) -> None:
    async with database.write() as tx:
        await incidents.put(tx, opened)
        for window in windows:
            await deploys.store(tx, opened.service, "production", window)


async def kept(database: Database) -> AnsweredError | None:
    async with database.read() as tx:
        (answered,) = [each async for each in suspect_answers.all_answered(tx)]
    return None if answered.error is None else decode(answered.error)


def suspecting(*commit_ids: str, seq: int = 1, **changes: object) -> Incident:
    suspects = [SuspectCommit(each, 1.0, 0.5, []) for each in commit_ids]
    return incident(1, seq=seq, suspected_causes=suspects, **changes)


async def test_an_answer_is_noted_and_counted_when_it_is_news(
    database: Database, judge: Judge, counted: list[bool]
) -> None:
    await put(database, suspecting("c1"))
    assert await judge("c1") == await judge("c1") == "noted"
    assert await judge("c1", is_right=False) == "noted"
    assert counted == [True, False]
    async with database.read() as tx:
        (answer,) = await suspect_answers.of_incident(tx, ID)
    assert (answer.by, answer.is_right, answer.at) == ("ada", False, at(60))


async def test_only_what_the_incident_suspects_or_suspected_can_be_judged(
    database: Database, judge: Judge, counted: list[bool]
) -> None:
    await put(database, suspecting("c1"))
    await put(database, suspecting("c2", seq=2))
    assert await judge("c1") == await judge("c2") == "noted"
    assert await judge("c3") == "never_suspected"
    assert await judge("c1", of=incident_id(2)) == "unknown_incident"
    assert counted == [True, True]


async def test_the_cause_can_be_named_after_the_end(database: Database, judge: Judge) -> None:
    await put(database, suspecting("c1"))
    async with database.write() as tx:
        await incidents.end(tx, IncidentEnded(ID, "quiet", at(30)))
    assert await judge("c1") == "noted"


async def test_the_error_is_kept_with_the_commits_that_could_be_its_cause(
    database: Database, judge: Judge
) -> None:
    opened = suspecting("c2", message="boom", stacktrace=[Frame(file="shop/cart.py")])
    before = change_window(-900, deploy_id="d1", commits=[commit("c1")])
    last = change_window(-300, deploy_id="d2", commits=[commit("c2"), commit("c3")])
    late_news = change_window(600, deploy_id="d3", commits=[commit("c4")])
    afterwards = change_window(1200, deploy_id="d4", commits=[commit("c5")])
    await put(database, opened, last, before, afterwards, late_news)
    await judge("c2")
    error = await kept(database)
    assert error is not None
    assert (error.service, error.exception_type, error.message) == ("shop", "ValueError", "boom")
    assert error.stacktrace == opened.stacktrace
    assert error.began == opened.start_time
    candidates = [[each.id for each in deploy.commits] for deploy in error.deploys]
    assert candidates == [["c1"], ["c2", "c3"], ["c4"]]
    first = error.deploys[0].commits[0]
    assert (first.files, first.functions, first.added) == (["shop/cart.py"], ["total"], 8)


async def test_what_is_kept_says_of_nobody_who_they_are(database: Database, judge: Judge) -> None:
    message = "Mail ada@acme.example, token=s3cret9\n\nSigned-off-by: Bob <bob@acme.example>"
    made = commit("c1", author="Bob", message=message, url="https://github.com/bob/shop")
    window = change_window(-300, commits=[made], deployed_by="Bob")
    opened = suspecting(
        "c1", message="no account of eve@acme.example", tags={"user": "eve"}, request_url="/eve"
    )
    await put(database, opened, window)
    await judge("c1")
    async with database.read() as tx:
        (answered,) = [each async for each in suspect_answers.all_answered(tx)]
    assert answered.error is not None
    text = answered.error.decode().lower()
    assert not [name for name in ("ada", "bob", "eve", "s3cret9") if name in text]
    assert "no account of ***" in text


async def test_an_error_of_an_unknown_environment_has_the_deploys_of_production(
    database: Database, judge: Judge
) -> None:
    await put(database, suspecting("a1b2c3d4", environment="unknown"), change_window(-300))
    await judge("a1b2c3d4")
    error = await kept(database)
    assert error is not None
    assert len(error.deploys) == 1


async def test_of_an_incident_without_an_error_only_the_answer_is_kept(
    database: Database, judge: Judge
) -> None:
    await put(database, suspecting("c1", trigger="deploy"))
    assert await judge("c1") == "noted"
    assert await kept(database) is None
