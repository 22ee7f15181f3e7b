"""Ask the real engine for suspects: events in through the pipe, incidents out."""

from collections.abc import Sequence

from engine.suspects.rank import rank_suspects
from engine.suspects.windows import prepare
from scripts.commands.benchmarks.engine_process import EngineProcess
from scripts.commands.benchmarks.ranking.cases import Question, window_of
from scripts.commands.benchmarks.ranking.rules import evidence_of
from shared.incident import SuspectCommit
from shared.pipe import EventEntry, encode_lines


def ask_directly(questions: Sequence[Question]) -> list[list[SuspectCommit]]:
    """Return the suspects of each question, without the engine around the ranking."""
    return [
        rank_suspects(evidence_of(asked.event), [prepare(window_of(asked.event))])
        for asked in questions
    ]


def ask_engine(questions: Sequence[Question]) -> list[list[SuspectCommit]]:
    """Return the suspects of the incident that each question opens, asked of `python -m engine`.

    Raises `RuntimeError` if an event opens no incident.
    """
    # In the order of time, because the engine's clock never goes back.
    order = sorted(range(len(questions)), key=lambda n: questions[n].event.timestamp)
    entries = [_entry(questions[n], n, seq) for seq, n in enumerate(order, start=1)]
    named: dict[str, list[SuspectCommit]] = {}
    with EngineProcess() as engine:
        for incident in engine.feed(encode_lines([entry]) for entry in entries):
            if incident.change == "opened":
                named.setdefault(incident.service, incident.suspected_causes)
    missing = [n for n in order if str(n) not in named]
    if missing:
        raise RuntimeError(f"{len(missing)} events opened no incident")
    return [named[str(n)] for n in range(len(questions))]


def _entry(asked: Question, number: int, seq: int) -> EventEntry:
    event = asked.event
    return EventEntry(
        source=event.source,
        service=str(number),
        environment=event.environment,
        timestamp=event.timestamp,
        severity=event.severity,
        exception_type=event.exception_type,
        message=event.message,
        stacktrace=event.stacktrace,
        chain=event.chain,
        change_window=event.change_window,
        seq=seq,
        received=event.timestamp,
    )
