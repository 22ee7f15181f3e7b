"""Run recorded events through an engine with other settings: what would fire, beside what did.

The same events go through two engines. One has the recorded settings, the other has the requested
ones; the difference in the output shows the effect of these settings.
"""

import argparse
import contextlib
import shlex
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from scripts.installation import read_installation, say_database
from server.storage.journal.entry import JournalEntry
from server.supervisor.entry_lines import engine_lines
from shared.incident import Change, Trigger
from shared.pipe import (
    ChangeWindowEntry,
    Entry,
    EventEntry,
    Inbound,
    Incident,
    Resolve,
    Settings,
    Silence,
    UnreadableLine,
    decode_inbound,
    decode_outbound,
    encode_lines,
)

ENGINE = (sys.executable, "-m", "engine")
EXIT_FAILED = 2
_TITLE_WIDTH = 60
_SQLITE = b"SQLite format 3\0"


class Fired(msgspec.Struct, frozen=True):
    """One notification that people got, or would have got."""

    seq: int
    change: Change
    trigger: Trigger
    time: datetime
    where: str
    title: str

    @property
    def identity(self) -> tuple[int, Change, Trigger]:
        """Return what makes it the same in two runs."""
        return self.seq, self.change, self.trigger


class EngineFailed(Exception):
    """An engine could not be started, or ended before its input did."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or `EXIT_FAILED` if the events or an engine could not be used."""
    options = _parser().parse_args(arguments)
    events: Path | None = options.events
    if events is None:
        settings = read_installation("give a file of events, or an SQLite journal")
        say_database(settings)
        events = settings.journal_path
    asked = Settings(
        production_environments=_list(options.production),
        max_issues=options.max_issues,
        spike_false_alarms_per_week=options.spike_false_alarms_per_week,
    )
    try:
        was = fired(recorded(events), options.engine)
        would_be = fired(with_settings(recorded(events), asked), options.other_engine)
    except (OSError, sqlite3.Error, EngineFailed) as error:
        print(f"scripts/replay: {error}", file=sys.stderr)
        return EXIT_FAILED
    for line in compare(was, would_be, options.differences):
        print(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/replay",
        description="Runs recorded events through an engine twice, with the recorded settings and "
        "with other settings, and prints what fired: = with both, - only with the recorded "
        "settings, + only with the other settings.",
    )
    parser.add_argument(
        "events",
        nargs="?",
        type=Path,
        help="a journal, or a file of events with one line of JSON each (default: the server's "
        "journal, beside the database that DATABASE_URL names)",
    )
    parser.add_argument(
        "--production", metavar="NAMES", help="production environments, separated by commas"
    )
    parser.add_argument(
        "--max-issues", type=int, metavar="NUMBER", help="the number of issues kept in full"
    )
    parser.add_argument(
        "--spike-false-alarms-per-week",
        type=float,
        metavar="N",
        help="as SPIKE_FALSE_ALARMS_PER_WEEK, among the other settings",
    )
    parser.add_argument(
        "--engine",
        type=shlex.split,
        default=ENGINE,
        metavar="COMMAND",
        help="the engine for the recorded settings",
    )
    parser.add_argument(
        "--other-engine",
        type=shlex.split,
        default=ENGINE,
        metavar="COMMAND",
        help="the engine for the other settings",
    )
    parser.add_argument("--differences", action="store_true", help="print only what differs")
    return parser


def _list(names: str | None) -> list[str] | None:
    if names is None:
        return None
    return [name.strip() for name in names.split(",") if name.strip()]


def recorded(path: Path) -> Iterator[Entry]:
    """Yield the entries of a journal or a file in order, numbered from 2; skip all else."""
    seq = 1
    for line in _lines(path):
        try:
            message = decode_inbound(line)
        except UnreadableLine:
            continue
        if isinstance(message, EventEntry | ChangeWindowEntry | Resolve | Silence | Settings):
            seq += 1
            yield msgspec.structs.replace(message, seq=seq)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) != _SQLITE:
            file.seek(0)
            yield from filter(bytes.strip, file)
            return
    # Read-only, so that a journal in use is not changed or locked for long.
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        for row in db.execute("SELECT seq, received, body FROM entries ORDER BY seq"):
            yield engine_lines([JournalEntry(*row)]).rstrip(b"\n")


def with_settings(entries: Iterable[Entry], asked: Settings) -> Iterator[Entry]:
    """Yield the entries with these settings from the first one on, whatever was set meanwhile."""
    said = {name: value for name, value in msgspec.structs.asdict(asked).items() if value}
    yield Settings(seq=1, **said)
    for entry in entries:
        if isinstance(entry, Settings):
            yield msgspec.structs.replace(entry, **said)
        else:
            yield entry


def fired(entries: Iterable[Inbound], command: list[str]) -> list[Fired]:
    """Return the incidents that an engine opens or escalates when it is given these entries.

    The entries go through a file, because nothing would write to a pipe while its answers are read.
    """
    with tempfile.TemporaryFile() as lines:
        for entry in entries:
            lines.write(encode_lines([entry]))
        lines.seek(0)
        try:
            engine = subprocess.Popen(command, stdin=lines, stdout=subprocess.PIPE)
        except OSError as error:
            raise EngineFailed(f"cannot start {shlex.join(command)}: {error.strerror}") from error
        with engine:
            answers: Iterable[bytes] = engine.stdout or ()
            found = [said for line in answers if (said := _read(line)) is not None]
    if engine.returncode:
        raise EngineFailed(f"{shlex.join(command)} ended with {engine.returncode}")
    return found


def _read(line: bytes) -> Fired | None:
    message = decode_outbound(line)
    if not isinstance(message, Incident) or message.change not in ("opened", "escalated"):
        return None
    return Fired(
        seq=message.seq,
        change=message.change,
        trigger=message.trigger,
        time=message.last_seen,
        where=f"{message.service}/{message.environment}",
        title=message.title,
    )


def compare(was: list[Fired], would_be: list[Fired], only_differences: bool) -> Iterator[str]:
    """Yield both in the order of the events, then the number of each trigger."""
    before, after = {each.identity for each in was}, {each.identity for each in would_be}
    every = {each.identity: each for each in [*was, *would_be]}
    for identity, each in sorted(every.items()):
        mark = "=" if identity in before and identity in after else "-+"[identity in after]
        if mark != "=" or not only_differences:
            title = each.title[:_TITLE_WIDTH]
            what = f"{each.change} {each.trigger}"
            yield f"{mark} {each.time:%Y-%m-%d %H:%M:%S}  {what:21}  {each.where}: {title}"
    yield f"{'':31}was  would be"
    counted = Counter(each.trigger for each in was), Counter(each.trigger for each in would_be)
    for trigger in sorted(counted[0] | counted[1]):
        yield f"{trigger:27}{counted[0][trigger]:7}{counted[1][trigger]:10}"


if __name__ == "__main__":
    # Somebody who reads only the first lines (`| head`) does not want a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
