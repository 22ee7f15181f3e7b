"""Write what people answered about suspect commits as labelled cases, a line of JSON each.

`scripts/benchmarks/ranking --answers FILE` measures the ranking by them.
"""

import argparse
import asyncio
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TextIO

import msgspec

from scripts.commands.benchmarks.ranking.cases import Case, CaseFrame
from scripts.installation import read_installation, say_database
from server.incidents.answered_error import AnsweredError, decode
from server.settings.settings import Settings
from server.storage.database import open_database
from server.storage.errors import STORAGE_TROUBLE
from server.storage.main import suspect_answers
from server.storage.main.suspect_answers import AnsweredIncident, SuspectAnswer
from server.storage.schema import REVISIONS, NewerSchema, read_revision
from shared.event import Frame

LeftOut = Literal["no_error", "no_cause", "tied", "unknown_commit"]
"""Why an answered incident makes no case."""

_WORDS: dict[LeftOut, str] = {
    "no_error": "are about no error, but about the deploy itself",
    "no_cause": "say which commits are not the cause, and not which one is",
    "tied": "contradict each other, with as many on each side",
    "unknown_commit": "name a commit that PushLog did not know as a part of a deploy",
}


class Refused(Exception):
    """There is nothing to write; the message is the reason."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, 1 if it could not be done, or 2 if a setting is wrong."""
    options = _parser().parse_args(arguments)
    path = options.file and options.file.absolute()
    settings = read_installation()
    say_database(settings)
    try:
        _check(settings)
        if path is None:
            left_out = asyncio.run(write_cases(settings, sys.stdout))
        else:
            with path.open("w", encoding="utf-8") as file:
                left_out = asyncio.run(write_cases(settings, file))
    except (Refused, NewerSchema, *STORAGE_TROUBLE, OSError, sqlite3.Error) as error:
        print(f"scripts/labelled-suspects: {error}", file=sys.stderr)
        return 1
    for reason, words in _WORDS.items():
        if left_out[reason]:
            print(f"Left out {left_out[reason]}, whose answers {words}.", file=sys.stderr)
    return 0


async def write_cases(settings: Settings, file: TextIO) -> Counter[LeftOut]:
    """Write a line for each incident whose cause somebody named; count the others by reason."""
    left_out: Counter[LeftOut] = Counter()
    async with open_database(settings.database) as database, database.read() as tx:
        async for answered in suspect_answers.all_answered(tx):
            made = labelled(answered)
            if isinstance(made, Case):
                file.write(f"{msgspec.json.encode(made).decode()}\n")
            else:
                left_out[made] += 1
    return left_out


def labelled(answered: AnsweredIncident) -> Case | LeftOut:
    """Return the case of an answered incident, or why it makes none."""
    if answered.error is None:
        return "no_error"
    votes = majorities(answered.answers)
    most = max(votes.values())
    if most < 0:
        return "no_cause"
    first = [commit for commit, majority in votes.items() if majority == most]
    if most == 0 or len(first) > 1:
        return "tied"
    return _case(answered.incident_id, decode(answered.error), first[0])


def majorities(answers: Sequence[SuspectAnswer]) -> Counter[str]:
    """Return for each commit how many more people call it the cause than say that it is not."""
    votes: Counter[str] = Counter()
    for each in answers:
        votes[each.commit_id] += 1 if each.is_right else -1
    return votes


def _case(incident_id: str, error: AnsweredError, culprit: str) -> Case | LeftOut:
    ids = {commit.id for deploy in error.deploys for commit in deploy.commits}
    if culprit not in ids:
        return "unknown_commit"
    return Case(
        case_id=incident_id,
        bug=incident_id,
        project=error.service,
        window_size=len(ids),
        kind="exception",
        exception_type=error.exception_type,
        message=error.message,
        stacktrace=[_frame(each) for each in error.stacktrace],
        event_time=error.began,
        change_window=error.deploys[-1],
        culprit=culprit,
        earlier_windows=error.deploys[:-1],
    )


def _frame(frame: Frame) -> CaseFrame:
    return CaseFrame(
        file=frame.file,
        function=frame.function,
        in_app=frame.in_app,
        line=frame.line,
        module=frame.module,
    )


def _check(settings: Settings) -> None:
    if settings.postgres_url is not None:
        return
    path = settings.database_path
    if not path.exists():
        raise Refused(f"{path.absolute()} does not exist: set DATABASE_URL to where the data is")
    if read_revision(path) != REVISIONS[-1]:
        raise Refused("the database has an older schema: run scripts/migrate, or start the server")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/labelled-suspects",
        description="Writes what people answered about suspect commits as cases with a known "
        "cause, a line of JSON each. It may run beside the server. The cases name no people and "
        "have no tags, but they have errors, paths and the first lines of commit messages.",
        epilog="Exit codes: 0 written, 1 not possible, 2 a setting is wrong.",
    )
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where to (default: the output)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
