"""Ask the real engine for suspects: events in through the pipe, incidents out."""

from collections.abc import Sequence

from msgspec import structs

from engine.suspects.rank import rank_suspects
from engine.suspects.windows import prepare
from scripts.commands.benchmarks.engine_process import EngineProcess
from scripts.commands.benchmarks.ranking.cases import Question
from scripts.commands.benchmarks.ranking.rules import evidence_of
from shared.incident import SuspectCommit
from shared.pipe import ChangeWindowEntry, EventEntry, encode_lines


def ask_directly(questions: Sequence[Question]) -> list[list[SuspectCommit]]:
    """Return the suspects of each question, without the engine around the ranking."""
    return [
        rank_suspects(evidence_of(asked.event), [prepare(each) for each in asked.windows])
        for asked in questions
    ]


def ask_engine(questions: Sequence[Question]) -> list[list[SuspectCommit]]:
    """Return the suspects of the incident that each question opens, asked of `python -m engine`.

    Raises `RuntimeError` if an event opens no incident.
    """
    # In the order of time, because the engine's clock never goes back.
    order = sorted(range(len(questions)), key=lambda n: questions[n].event.timestamp)
    entries: list[EventEntry | ChangeWindowEntry] = []
    for n in order:
        entries += _earlier_deploys(questions[n], n)
        entries.append(_entry(questions[n], n))
    numbered = (structs.replace(entry, seq=seq) for seq, entry in enumerate(entries, start=1))
    named: dict[str, list[SuspectCommit]] = {}
    with EngineProcess() as engine:
        for incident in engine.feed(encode_lines([entry]) for entry in numbered):
            if incident.change == "opened":
                named.setdefault(incident.service, incident.suspected_causes)
    missing = [n for n in order if str(n) not in named]
    if missing:
        raise RuntimeError(f"{len(missing)} events opened no incident")
    return [named[str(n)] for n in range(len(questions))]


def _earlier_deploys(asked: Question, number: int) -> list[ChangeWindowEntry]:
    """Return the news of the deploys before, which arrive late, as the clock never goes back."""
    return [
        ChangeWindowEntry(
            service=str(number),
            environment=asked.event.environment,
            received=asked.event.timestamp,
            **structs.asdict(window),
        )
        for window in asked.earlier_windows
    ]


def _entry(asked: Question, number: int) -> EventEntry:
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
        received=event.timestamp,
    )
