"""What people answered becomes cases that the benchmark of the ranking reads."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from scripts.commands.benchmarks.ranking.cases import load_cases
from scripts.commands.labelled_suspects import labelled
from server.incidents.answered_error import AnsweredError, encode
from server.storage.database import open_database
from server.storage.main import suspect_answers
from server.storage.main.suspect_answers import AnsweredIncident, SuspectAnswer
from tests.builders import at, change_window, commit, frame
from tests.databases import make_database
from tests.processes import ROOT, clean_environment
from tests.server.web.conftest import incident_id
from tests.waiting import LIMIT_S

Votes = tuple[tuple[str, str, bool], ...]

ADA_SAYS_C1: Votes = (("ada", "c1", True),)


async def run(home: Path, script: str, *arguments: str) -> tuple[int | None, str, str]:
    """Exit code, output and errors of a script, on the database in `home`."""
    process = await asyncio.create_subprocess_exec(
        ROOT / script,
        *arguments,
        cwd=home,
        env=clean_environment(home) | {"DATABASE_URL": f"sqlite:///{home}/pushlog.db"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
    return process.returncode, out.decode(), err.decode()


def error(**changes: Any) -> AnsweredError:
    """An error after two deploys: of c1, and then of c2 and c3."""
    fields: dict[str, Any] = {
        "service": "shop",
        "exception_type": "ValueError",
        "message": "price is negative",
        "stacktrace": [frame(), frame(None, None, None, module="shop.main", in_app=None)],
        "began": at(0),
        "deploys": [
            change_window(-90_000, deploy_id="d1", commits=[commit("c1", author=None)]),
            change_window(
                -300,
                deploy_id="d2",
                commits=[commit(each, author=None, files=["shop/tax.py"]) for each in ("c2", "c3")],
            ),
        ],
    }
    return AnsweredError(**(fields | changes))


def answers(votes: Votes) -> list[SuspectAnswer]:
    return [
        SuspectAnswer(commit_id=commit_id, by=by, is_right=is_right, at=at(60))
        for by, commit_id, is_right in votes
    ]


def answered(*votes: tuple[str, str, bool], **changes: Any) -> AnsweredIncident:
    return AnsweredIncident(
        incident_id=incident_id(1), answers=answers(votes), error=encode(error(**changes))
    )


@pytest.mark.parametrize(
    ("votes", "culprit"),
    [
        (ADA_SAYS_C1, "c1"),
        ((("ada", "c1", False), ("ada", "c2", True)), "c2"),
        ((("ada", "c1", True), ("bob", "c1", True), ("eve", "c1", False)), "c1"),
        ((("ada", "c1", True), ("bob", "c1", True), ("eve", "c2", True)), "c1"),
        ((("ada", "c1", True), ("bob", "c1", False), ("bob", "c3", True)), "c3"),
    ],
)
def test_the_majority_says_which_commit_it_was(votes: Votes, culprit: str) -> None:
    case = labelled(answered(*votes))
    assert not isinstance(case, str)
    assert case.culprit == culprit


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        ((("ada", "c1", True), ("bob", "c1", False)), "tied"),
        ((("ada", "c1", True), ("bob", "c2", True)), "tied"),
        ((("ada", "c1", False),), "no_cause"),
        ((("ada", "c1", False), ("bob", "c1", False), ("eve", "c1", True)), "no_cause"),
        ((("ada", "c9", True),), "unknown_commit"),
    ],
)
def test_what_names_no_commit_of_a_deploy_makes_no_case(votes: Votes, reason: str) -> None:
    assert labelled(answered(*votes)) == reason


def test_without_an_error_or_a_deploy_there_is_no_case() -> None:
    none = AnsweredIncident(incident_id="inc-1", answers=answers(ADA_SAYS_C1), error=None)
    assert labelled(none) == "no_error"
    assert labelled(answered(*ADA_SAYS_C1, deploys=[])) == "unknown_commit"


async def fill(home: Path, *all_votes: Votes) -> None:
    """Answers about an incident for each of `all_votes`."""
    async with (
        open_database(make_database(home / "pushlog.db")) as database,
        database.write() as tx,
    ):
        for number, votes in enumerate(all_votes, start=1):
            for each in answers(votes):
                await suspect_answers.put(tx, incident_id(number), each)
            await suspect_answers.put_error(tx, incident_id(number), encode(error()))


async def test_the_script_writes_a_line_a_case_and_says_what_it_left_out(tmp_path: Path) -> None:
    wrong = (("ada", "c1", False),)
    await fill(tmp_path, ADA_SAYS_C1, wrong, (("bob", "c2", True),), wrong)
    code, out, err = await run(tmp_path, "scripts/labelled-suspects")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert err.splitlines()[1:] == [
        "Left out 2, whose answers say which commits are not the cause, and not which one is."
    ]
    assert not [name for name in ("ada", "bob") if name in out]


async def test_the_benchmark_reads_and_measures_what_the_script_wrote(tmp_path: Path) -> None:
    await fill(tmp_path, ADA_SAYS_C1, (("bob", "c2", True),))
    code, out, _ = await run(tmp_path, "scripts/labelled-suspects", "cases.jsonl")
    assert (code, out) == (0, "")
    first, second = load_cases(tmp_path / "cases.jsonl")
    assert (first.case_id, first.culprit, second.culprit) == (incident_id(1), "c1", "c2")
    assert (first.project, first.window_size, first.event_time) == ("shop", 3, at(0))
    deploys = (*first.earlier_windows, first.change_window)
    assert [each.deploy_id for each in deploys] == ["d1", "d2"]
    for how in ((), ("--direct",)):
        arguments = ("--answers", str(tmp_path / "cases.jsonl"), *how)
        code, out, err = await run(tmp_path, "scripts/benchmarks/ranking", *arguments)
        assert (code, err) == (0, "")
        # The trace is in a file of c1 alone, which a deploy of the day before brought.
        named = out.partition("ours, as the incident names them\n")[2].splitlines()[0]
        assert "exception     n=2    acc@1 0.500" in named
        assert "exception: a suspect is named in 2 of 2" in out


async def test_where_nobody_answered_nothing_is_measured(tmp_path: Path) -> None:
    await fill(tmp_path)
    assert (await run(tmp_path, "scripts/labelled-suspects", "cases.jsonl"))[0] == 0
    arguments = ("--answers", str(tmp_path / "cases.jsonl"))
    code, out, _ = await run(tmp_path, "scripts/benchmarks/ranking", *arguments)
    assert (code, out.startswith("skipped: there are no cases")) == (0, True)


async def test_without_data_the_script_says_what_to_set(tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, "scripts/labelled-suspects")
    assert (code, "does not exist: set DATABASE_URL" in err) == (1, True)
    assert not (tmp_path / "pushlog.db").exists()
