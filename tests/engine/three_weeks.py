"""Three weeks of a small company, made up, and all that the engine says of them.

``python -m tests.engine.three_weeks`` writes `RECORD` anew, where it is meant to say otherwise.
"""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from engine.fold import fold
from engine.memory.state import State
from server.wording.reasons import say
from shared.event import Commit, Frame
from shared.pipe import (
    Decision,
    DeployVerdict,
    Inbound,
    Incident,
    IncidentEnded,
    Outbound,
)
from tests import builders, records

RECORD = Path(__file__).with_name("three_weeks.txt")

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
END = 21 * DAY

Happening = tuple[float, str, dict[str, Any]]
"""When, which of `builders`, and its fields."""

PYTHON = [
    builders.frame("shop/cart.py", "total", 12),
    builders.frame("shop/checkout.py", "pay", 40),
    builders.frame("django/core/handlers/base.py", "_get_response", 197, in_app=False),
]
JAVASCRIPT = [
    builders.frame("https://cdn.acme.example/assets/main-4f2c91.js", "t.render", 1),
    builders.frame("webpack:///./src/components/Basket.tsx", "Basket.addItem", 88),
    builders.frame("webpack:///./node_modules/react-dom/index.js", "commitRoot", 9, in_app=False),
]
JAVA = [
    builders.frame("QueueConsumer.java", "com.acme.worker.QueueConsumer.lambda$poll$3", 71),
    builders.frame("Retry.java", "com.acme.worker.util.Retry.call", 30),
    builders.frame("Thread.java", "java.lang.Thread.run", 833, in_app=False),
]
MAIL = [builders.frame("mailer/smtp.py", "deliver", 64), builders.frame("mailer/queue.py", "run")]


class Chance:
    """Draws that are the same in every Python: only `random` itself is promised to be."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed).random

    def below(self, end: int) -> int:
        """A number from 0 up to `end`, without it."""
        return int(self.draw() * end)

    def wait_s(self, a_minute: float) -> float:
        """The seconds until the next of so many a minute."""
        return -math.log(1.0 - self.draw()) / a_minute * MINUTE


def _stream(
    chance: Chance, begin: float, end: float, a_minute: float, *, by_day: bool = False
) -> Iterator[float]:
    at = begin + chance.wait_s(a_minute)
    while at < end:
        # By day there is three times as much as by night.
        if not by_day or chance.draw() < (1.0 if 8 <= at % DAY / HOUR < 20 else 0.33):
            yield at
        at += chance.wait_s(a_minute)


def _errors() -> Iterator[Happening]:
    chance = Chance(1)
    shop: dict[str, Any] = {"stacktrace": PYTHON, "issue_id": "100", "release": "shop@1.4.0"}
    usual = [
        *_stream(chance, 0, END, 0.03),
        *_stream(chance, 9 * DAY, 9 * DAY + 40 * MINUTE, 1.0),
        *_stream(chance, 13 * DAY, END, 0.1),
        *_stream(chance, 16 * DAY, 16 * DAY + 10 * MINUTE, 20.0),
    ]
    for at in usual:
        yield (
            at,
            "event_entry",
            shop | {"message": f"price of item {chance.below(900)} is negative"},
        )
    for at in _stream(chance, 0, END, 0.002):
        for number in range(2 + chance.below(15)):
            moment = at + number * 4 * chance.draw()
            yield (
                moment,
                "event_entry",
                {
                    "service": "mail",
                    "exception_type": "smtplib.SMTPServerDisconnected",
                    "message": "Connection unexpectedly closed: timed out",
                    "stacktrace": MAIL,
                },
            )
    for at in _stream(chance, 0, END, 0.04, by_day=True):
        yield (
            at,
            "event_entry",
            {
                "service": "web",
                "exception_type": "TypeError",
                "message": "undefined is not an object (evaluating 'this.items.length')",
                "stacktrace": JAVASCRIPT,
                "severity": "warning",
                "timestamp": builders.at(at - 40 * HOUR * (chance.draw() < 0.02)),
            },
        )
    # An error as regular as a clock, then five days of silence, then it is back.
    for begin, end in ((0.0, 8 * DAY), (13 * DAY, 13.5 * DAY)):
        for number in range(int((end - begin) / (3 * HOUR))):
            at = begin + number * 3 * HOUR + 600 * chance.draw()
            fields = {
                "service": "worker",
                "exception_type": "java.sql.SQLTransientConnectionException",
                "message": "HikariPool-1 - Connection is not available",
                "stacktrace": JAVA,
                "release": "worker-2024.03" if at < 8 * DAY else "worker-2024.04",
            }
            yield at, "event_entry", fields


def _rare() -> Iterator[Happening]:
    chance = Chance(2)
    services = ("shop", "web", "mail", "worker", "billing")
    kinds = ("KeyError", "ValueError", "TimeoutError", "PermissionError", "AssertionError")
    for number in range(120):
        at = END * chance.draw()
        name = f"step_{chance.below(50)}"
        fields: dict[str, Any] = {
            "service": services[chance.below(5)],
            "environment": ("production", "production", "prod", "staging")[chance.below(4)],
            "exception_type": kinds[chance.below(5)],
            "message": f"{name} failed for order {chance.below(10**6)}",
            "severity": ("warning", "error", "error", "critical")[chance.below(4)],
            "stacktrace": [builders.frame(f"jobs/{name}.py", name, chance.below(300)), PYTHON[1]],
            "event_id": f"{chance.below(100):032x}",
            "issue_id": (None, f"{500 + chance.below(30)}")[chance.below(2)],
        }
        if number % 10 == 0:
            fields |= {"alert_rule": f"rule {chance.below(4)}"}
        if number % 15 == 1:
            fields |= {"source_state": ("regressed", "escalating")[chance.below(2)]}
        if number % 20 == 2:
            fields |= {"unique": True}
        if number % 12 == 3:
            fields |= {"occurrence": False, "alert_rule": "p95 over 2 s", "stacktrace": []}
        for again in range(1 + chance.below(3)):
            yield at + again * chance.below(50_000), "event_entry", fields
    # An outage: what calls the database fails everywhere in one service.
    for number in range(60):
        fields = {
            "service": "billing",
            "exception_type": "OperationalError",
            "message": "could not connect to server: Connection refused",
            "stacktrace": [builders.frame(f"billing/part{number % 40}.py", f"load_{number % 40}")],
        }
        yield 17 * DAY + number * 2.5, "event_entry", fields


def _deploys() -> Iterator[Happening]:
    chance = Chance(3)
    for service, every in (("shop", 1.3), ("web", 2.1), ("worker", 4.0)):
        for number in range(int(END / DAY / every)):
            at = (number + 0.2 + 0.5 * chance.draw()) * every * DAY
            commits = [_commit(chance, service, at) for _ in range(1 + chance.below(25))]
            build = ("change_window_entry", "deploy_entry")[chance.below(2)]
            about: dict[str, Any] = {"deploy_id": f"{service}-{number}", "commits": commits}
            if build == "deploy_entry":
                about = {"change_window": builders.change_window(at, **about)}
            else:
                about |= {"deploy_time": builders.at(at)}
            yield at, build, {"service": service} | about
            if number % 4 == 2:
                yield from _broken_by(chance, service, at, commits)


def _commit(chance: Chance, service: str, at: float) -> Commit:
    subjects = ("Round prices half up", "Fix retry of the queue", "Bump react", "Add tests", "WIP")
    paths = [
        *(frame.file for frame in (*PYTHON, *JAVA, *MAIL) if frame.in_app),
        "src/components/Basket.tsx",
        *(f"jobs/step_{number}.py" for number in range(50)),
        "README.md",
        "package-lock.json",
    ]
    return builders.commit(
        f"{chance.below(16**8):08x}",
        message=f"{subjects[chance.below(5)]} in {service}",
        author=("Ada", "Bo", "Cy")[chance.below(3)],
        files=[path for path in paths if path and chance.draw() < 0.06],
        timestamp=builders.at(at - HOUR * chance.below(60)),
    )


def _broken_by(
    chance: Chance, service: str, at: float, commits: Sequence[Commit]
) -> Iterator[Happening]:
    touched = [path for commit in commits for path in commit.files if path.endswith(".py")]
    file = touched[0] if touched else "shop/cart.py"
    for late in _stream(chance, at + 90, at + 50 * MINUTE, 0.6):
        fields = {
            "service": service,
            "exception_type": "AttributeError",
            "message": "'NoneType' object has no attribute 'amount'",
            "stacktrace": [Frame(file=file, function=f"after_{int(at)}", line=7), *PYTHON],
        }
        yield late, "event_entry", fields


def _notices() -> Iterator[Happening]:
    yield 5 * DAY, "resolve", {"issue_id": "100", "release": "shop@1.4.0"}
    yield 10 * DAY, "silence", {"issue_id": "100", "until": builders.at(12 * DAY)}
    yield 11 * DAY, "settings", {"production_environments": ["production", "staging"]}
    yield 14 * DAY, "settings", {"max_issues": 60}
    for number in range(500, 530, 3):
        yield 7 * DAY + number * HOUR / 10, "resolve", {"issue_id": str(number)}
        yield 15 * DAY + number * HOUR / 10, "silence", {"issue_id": str(number + 1)}
    for hour in range(int(END / HOUR) + 72):
        yield hour * HOUR, "tick", {}


def entries() -> Iterator[Inbound]:
    """All that comes to the engine, in order."""
    happenings = [*_errors(), *_rare(), *_deploys(), *_notices()]
    seq = 0
    for at, build, fields in sorted(happenings, key=lambda one: one[0]):
        if build == "tick":
            yield builders.tick(at)
        else:
            seq += 1
            yield getattr(builders, build)(seq, at, **fields)


def told() -> Iterator[str]:
    """What the engine says of it: a line for each change of an incident, each end and each verdict,
    and one for each day with the number of decisions of each code. Each has a digest of all the
    rest that was said with it.
    """
    state = State()
    said = [(line, state.now) for entry in entries() for line in fold(state, entry)]
    for day, of_day in groupby(said, key=lambda one: int(one[1] // DAY)):
        lines = [line for line, _ in of_day if isinstance(line, _LASTING)]
        codes = Counter(str(line.code) for line in lines if isinstance(line, Decision))
        counted = ", ".join(f"{count} {code}" for code, count in sorted(codes.items()))
        yield f"day {day - _FIRST_DAY}: {counted} {_digest(lines)}"
        yield from (f"  {_in_words(line)} {_digest([line])}" for line in lines if _in_words(line))


_FIRST_DAY = int(builders.START.timestamp() // DAY)
_LASTING = (Decision, Incident, IncidentEnded, DeployVerdict)


def _in_words(line: Outbound) -> str:
    match line:
        case Incident() if line.change != "updated":
            what = f"{line.trigger} of {line.exception_type} in {line.service}"
            return f"{line.change} {line.incident_id[4:12]}: {line.severity} {what}"
        case IncidentEnded():
            return f"ended {line.incident_id[4:12]}: {say(line.reason)}"
        case DeployVerdict():
            return f"verdict {line.verdict} on {line.service}: {'; '.join(map(say, line.reasons))}"
        case _:
            return ""


def _digest(lines: Sequence[Outbound]) -> str:
    return hashlib.sha256(repr([_rounded(line) for line in lines]).encode()).hexdigest()[:12]


def _rounded(value: Any) -> Any:
    """To four digits: what another machine's mathematics makes of the last is no difference."""
    match msgspec.to_builtins(value):
        case float(number):
            return float(f"{number:.4g}")
        case dict(fields):
            return {name: _rounded(each) for name, each in fields.items()}
        case list(items):
            return [_rounded(each) for each in items]
        case other:
            return other


if __name__ == "__main__":
    records.write(RECORD, told())
