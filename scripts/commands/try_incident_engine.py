"""Give events to the engine alone, without a server, and print its decisions in plain words."""

import argparse
import os
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.commands.sample_events import sample_events
from server.wording.explain import explain_decision
from server.wording.reasons import say, say_first_actions
from shared.incident import IncidentSummary
from shared.pipe import (
    ChangeWindowEntry,
    Decision,
    DeployVerdict,
    Entry,
    Error,
    EventEntry,
    FixLive,
    Inbound,
    Incident,
    IncidentEnded,
    Outbound,
    Ready,
    Resolve,
    Settings,
    Silence,
    UnreadableLine,
    decode_inbound,
    decode_outbound,
    encode_lines,
)

ENGINE = (sys.executable, "-m", "engine")
EXIT_UNREADABLE = 1
EXIT_FAILED = 2

_WIDTH = 100
_TIME_WIDTH = 17
"""The width of the times at the start of lines; a decision stands under what it was decided on."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_UNREADABLE` if a line could not be read, `EXIT_FAILED`."""
    options = _parser().parse_args(arguments)
    if options.events:
        sys.stdout.buffer.write(encode_lines(sample_events()))
        return 0
    try:
        text = _read(options.file)
    except OSError as error:
        print(f"cannot read {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED
    try:
        engine = subprocess.run(options.engine, input=text, stdout=subprocess.PIPE, check=False)
    except OSError as error:
        print(f"cannot start {shlex.join(options.engine)}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED
    if options.raw:
        sys.stdout.buffer.write(engine.stdout)
        return EXIT_FAILED if engine.returncode else 0
    try:
        answers = [decode_outbound(line) for line in engine.stdout.splitlines()]
    except UnreadableLine as error:
        print(f"the engine wrote a line that is not a message: {error}", file=sys.stderr)
        return EXIT_FAILED
    for line in tell(entries_by_seq(text.splitlines()), answers):
        print(line)
    if engine.returncode:
        return EXIT_FAILED
    return EXIT_UNREADABLE if any(isinstance(each, Error) for each in answers) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/test-incident-engine",
        description="Gives events to the engine alone, without server, database or network, and "
        "prints its decisions. Without FILE, it uses sample events: a day of a small shop.",
        epilog="Exit codes: 0 success, 1 a line could not be read, 2 the engine failed.",
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a file of events with one line of JSON each; - is standard input",
    )
    parser.add_argument("--raw", action="store_true", help="print the engine's lines as they are")
    parser.add_argument(
        "--events",
        action="store_true",
        help="print the sample events instead of the decisions on them",
    )
    parser.add_argument(
        "--engine",
        type=shlex.split,
        default=ENGINE,
        metavar="COMMAND",
        help="the engine's command (default: python -m engine)",
    )
    return parser


def _read(name: str | None) -> bytes:
    match name:
        case None:
            return encode_lines(sample_events())
        case "-":
            return sys.stdin.buffer.read()
    return Path(name).read_bytes()


def entries_by_seq(lines: Sequence[bytes]) -> dict[int, Entry]:
    """Return the entries among `lines`, each by the number that the engine gives it."""
    entries: dict[int, Entry] = {}
    seq = 0
    for line in lines:
        message = _message(line)
        if isinstance(message, EventEntry | ChangeWindowEntry | Resolve | Silence | Settings):
            seq = message.seq or seq + 1
            entries[seq] = message
    return entries


def _message(line: bytes) -> Inbound | None:
    try:
        return decode_inbound(line)
    except UnreadableLine:
        return None


def tell(entries: dict[int, Entry], answers: Sequence[Outbound]) -> Iterator[str]:
    """Yield lines for people: each entry with what was decided; equal ones in a row become one."""
    same: tuple[str, str] | None = None
    more = 0
    incident: Incident | None = None
    for answer in answers:
        match answer:
            case Decision():
                entry = entries.get(answer.seq)
                about = (_about(entry), answer.code)
                # The numbers of two decisions differ even if nothing else does.
                if about == same and incident is None:
                    more += 1
                    continue
                yield from _and_more(more)
                same, more = about, 0
                yield f"{_time(entry)}{about[0]}"
                yield _answer(explain_decision(answer))
                if incident is not None:
                    yield from _incident(incident)
                    incident = None
            case Incident(change="opened" | "escalated"):
                incident = answer
            case IncidentEnded() | DeployVerdict() | FixLive() | Error() | Ready():
                yield from _and_more(more)
                same, more = None, 0
                yield from _news(answer)
            case _:
                pass
    yield from _and_more(more)


def _and_more(count: int) -> Iterator[str]:
    if count:
        yield _answer(f"and {count:,} more like it")


def _news(news: IncidentEnded | DeployVerdict | FixLive | Error | Ready) -> Iterator[str]:
    match news:
        case IncidentEnded():
            yield f"{_clock(news.time)}{news.incident_id} ended: {say(news.reason)}"
        case DeployVerdict():
            reasons = "; ".join(map(say, news.reasons))
            yield f"{_clock(news.deploy_time)}The deploy of {news.service} was {news.verdict}"
            yield _answer(reasons)
        case FixLive():
            fixed = f"which fixes {news.issues} of the issues of {news.incident_id}"
            yield f"{_clock(news.deploy_time)}Release {news.release} was deployed, {fixed}"
        case Error():
            where = f" at `{news.field}`" if news.field else ""
            yield f"{'':{_TIME_WIDTH}}A line could not be read: {news.message}{where}"
        case Ready():
            yield f"{news.engine}"


def _about(entry: Entry | None) -> str:
    match entry:
        case EventEntry():
            return f"{entry.exception_type} in {entry.service}/{entry.environment}"
        case ChangeWindowEntry():
            count = len(entry.commits)
            return f"Deploy of {entry.service} to {entry.environment}, {count} commits"
        case Resolve():
            return f"Resolved by {entry.by}"
        case Silence():
            return f"Silenced by {entry.by}"
        case Settings():
            return "Settings"
        case None:
            return "An entry that could not be read"


def _time(entry: Entry | None) -> str:
    match entry:
        case EventEntry():
            return _clock(entry.timestamp)
        case ChangeWindowEntry():
            return _clock(entry.deploy_time)
        case Resolve() | Silence():
            return _clock(entry.time)
        case Settings() | None:
            return " " * _TIME_WIDTH


def _clock(moment: object) -> str:
    return f"{moment:%d %b %H:%M:%S}  "


def _answer(text: str, level: int = 1) -> str:
    indent = " " * (_TIME_WIDTH + 2 * level)
    return textwrap.fill(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False
    )


def _incident(summary: IncidentSummary) -> Iterator[str]:
    for suspect in summary.suspected_causes:
        sure = f"{suspect.confidence:.0%}"
        yield _answer(f"suspect {suspect.commit_id[:8]} ({sure}): {suspect.message}", 2)
        for evidence in suspect.evidence:
            yield _answer(say(evidence), 3)
    for action in say_first_actions(summary):
        yield _answer(f"first: {action}", 2)


if __name__ == "__main__":
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Somebody who reads only the first lines (`| head`) does not want a traceback. SIG_DFL for
        # SIGPIPE would also end this command if the engine ends without reading.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
